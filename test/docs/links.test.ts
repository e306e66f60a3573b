import { existsSync, readFileSync } from 'node:fs';
import { join, posix } from 'node:path';

import { describe, expect, it } from 'vitest';

import { anchorsOf, documents, linksOf, proseOf } from '../support/markdown.ts';
import { root } from '../support/root.ts';

const texts = new Map(documents().map((path) => [path, readFileSync(join(root, path), 'utf8')]));

/** Path from the root and anchor that a link of a document leads to. */
function targetOf(document: string, link: string): { path: string; anchor: string } {
  const [file = '', anchor = ''] = link.split('#', 2);
  return { path: file === '' ? document : posix.normalize(posix.join(posix.dirname(document), file)), anchor };
}

describe('links', () => {
  it.each([...texts.keys()])('of %s lead somewhere', (document) => {
    const dead = linksOf(texts.get(document) ?? '').filter((link) => {
      const { path, anchor } = targetOf(document, link);
      if (path.startsWith('..') || !existsSync(join(root, path))) return true;
      return anchor !== '' && !anchorsOf(texts.get(path) ?? '').has(anchor);
    });
    expect(dead).toStrictEqual([]);
  });

  it('lead from the README to every document', () => {
    const reached = new Set(['README.md']);
    for (const document of reached) {
      for (const link of linksOf(texts.get(document) ?? '')) {
        const { path } = targetOf(document, link);
        if (texts.has(path)) reached.add(path);
      }
    }
    expect([...texts.keys()].filter((path) => !reached.has(path))).toStrictEqual([]);
  });
});

describe('anchors', () => {
  it('are those that GitHub makes of headings', () => {
    const headings = [
      '# What `azd` does',
      '## Why 408, not 504?',
      '```',
      '# no heading',
      '```',
      '## Why 408, not 504?',
    ];
    expect([...anchorsOf(headings.join('\n'))]).toStrictEqual([
      'what-azd-does',
      'why-408-not-504',
      'why-408-not-504-1',
    ]);
  });
});

describe('documents', () => {
  it('say for whom they are, in their first lines', () => {
    const silent = [...texts].filter(([path, text]) => {
      // Texts of the workbook, which shows them without their surroundings.
      if (path === 'README.md' || path.startsWith('infra/monitoring/workbook/')) return false;
      return !/^# .+\n\nFor /.test(text);
    });
    expect(silent.map(([path]) => path)).toStrictEqual([]);
  });

  it('begin with a README that is read in ten minutes', () => {
    expect((texts.get('README.md') ?? '').trimEnd().split('\n').length).toBeLessThanOrEqual(250);
  });

  it('have lines that end, and tables that stand apart', () => {
    for (const [path, text] of texts) {
      expect(text, path).not.toMatch(/[ \t]+$/m);
      expect(proseOf(text), path).not.toMatch(/^[^\n]+\n#{1,6} /m);
      expect(text, path).toMatch(/[^\n]\n$/);
    }
  });
});
