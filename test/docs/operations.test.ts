import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

import { describe, expect, it } from 'vitest';

import { RUNTIME } from '../../src/bedrock/runtime.ts';
import { codeIn, rowsUnder } from '../support/markdown.ts';
import { root } from '../support/root.ts';

function read(path: string): string {
  return readFileSync(join(root, path), 'utf8');
}

/** `…/invoke` stands for what the path before it has in common with it. */
function pathsIn(cell: string): string[] {
  const paths: string[] = [];
  for (const text of codeIn(cell)) {
    const [, last = ''] = /^…(\/.+)$/.exec(text) ?? [];
    paths.push(last === '' ? text : `${paths.at(-1)?.replace(/\/[^/]+$/, '')}${last}`);
  }
  return paths;
}

describe('the table of operations', () => {
  const rows = rowsUnder(read('src/bedrock/README.md'), 'operation');

  it('has every operation with its method and path, once, and no other', () => {
    const described = rows.flatMap(([names = '', paths = '']) => {
      const all = pathsIn(paths);
      return codeIn(names).map((name, index) => `${name} ${all[index]}`);
    });
    const known = RUNTIME.operations.map(({ name, method, template }) => `${name} ${method} ${template}`);
    expect(described.toSorted()).toStrictEqual(known.toSorted());
  });

  it('says where an operation takes request metadata', () => {
    for (const [names = '', , metadata = ''] of rows) {
      for (const name of codeIn(names)) {
        const place = RUNTIME.operations.find((operation) => operation.name === name)?.metadata;
        expect(metadata, name).toBe(place === undefined ? '–' : place === 'body' ? 'in the body' : 'in a header');
      }
    }
  });
});

describe('the table of policies', () => {
  it('has every option', () => {
    const page = read('infra/gateway/README.md');
    const limits = rowsUnder(page, 'limit').flatMap(([, file = '']) => codeIn(file));
    const orders = rowsUnder(page, 'order').flatMap(([, , , file = '']) => codeIn(file));
    const described = [...limits, ...orders];
    expect(described.toSorted()).toStrictEqual(readdirSync(join(root, 'infra/gateway/policies/options')).toSorted());
  });
});

describe('the architecture', () => {
  it('has every folder of src', () => {
    const text = read('src/README.md');
    const folders = readdirSync(join(root, 'src'), { withFileTypes: true }).filter((entry) => entry.isDirectory());
    expect(folders.length).toBeGreaterThan(10);
    for (const { name } of folders) expect(text, name).toMatch(new RegExp(`^  ${name}/ +\\S`, 'm'));
  });
});
