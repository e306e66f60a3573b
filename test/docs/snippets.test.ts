import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { describe, expect, it } from 'vitest';

import { blocksIn } from '../support/markdown.ts';
import { pageSnippets } from '../support/page-snippets.ts';
import { root } from '../support/root.ts';

const blocks = (path: string, language: string) => blocksIn(readFileSync(join(root, path), 'utf8'), language);

describe('the page for callers', () => {
  it.each(pageSnippets())('shows the call that npm run dev prints for $title', ({ language, text }) => {
    expect(blocks('src/bedrock/CLIENTS.md', language)).toContain(text);
  });

  it('shows calls of several clients', () => {
    expect(new Set(pageSnippets().map(({ title }) => title)).size).toBeGreaterThan(4);
  });
});

describe('the README', () => {
  it('shows a call of that page', () => {
    const [block, ...others] = blocks('README.md', 'js');
    expect(others).toStrictEqual([]);
    expect(blocks('src/bedrock/CLIENTS.md', 'js')).toContain(block);
  });
});
