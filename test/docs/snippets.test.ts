import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { describe, expect, it } from 'vitest';

import { snippets } from '../dev/snippets.ts';
import { blocksIn } from '../support/markdown.ts';
import { EXAMPLE_SETTINGS } from '../support/page-snippets.ts';
import { root } from '../support/root.ts';

/** Language of each snippet of `npm run dev`, by the beginning of its name. */
const LANGUAGES = { curl: 'sh', AWS: 'sh', Python: 'python', JavaScript: 'js', '.NET': 'csharp' };

const blocks = (path: string, language: string) => blocksIn(readFileSync(join(root, path), 'utf8'), language);

describe('the page for callers', () => {
  it.each(Object.entries(LANGUAGES))('shows the call that npm run dev prints for %s', (name, language) => {
    const [snippet, ...others] = snippets(EXAMPLE_SETTINGS).filter(({ client }) => client.startsWith(name));
    expect(others).toStrictEqual([]);
    expect(blocks('src/bedrock/CLIENTS.md', language)).toContain(snippet?.lines.trim());
  });

  it('shows every call that npm run dev prints', () => {
    expect(snippets(EXAMPLE_SETTINGS)).toHaveLength(Object.keys(LANGUAGES).length);
  });
});

describe('the README', () => {
  it('shows a call of that page', () => {
    const [block, ...others] = blocks('README.md', 'js');
    expect(others).toStrictEqual([]);
    expect(blocks('src/bedrock/CLIENTS.md', 'js')).toContain(block);
  });
});
