import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

import { describe, expect, it } from 'vitest';

import { SERVICES } from '../../src/bedrock/services.ts';
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

/** Every operation with its path at the proxy. */
const operations = SERVICES.flatMap(({ prefix = '', operations: rows }) =>
  rows.map((row) => ({ ...row, path: `${row.method} ${prefix}${row.template}` })),
);

describe('the tables of operations', () => {
  const rows = rowsUnder(read('src/bedrock/README.md'), 'operation');

  it('has every operation with its method and path, once, and no other', () => {
    const described = rows.flatMap(([names = '', paths = '']) => {
      const all = pathsIn(paths);
      return codeIn(names).map((name, index) => `${name} ${all[index]}`);
    });
    const known = operations.map(({ name, path }) => `${name} ${path}`);
    expect(described.toSorted()).toStrictEqual(known.toSorted());
  });

  it('says where an operation takes request metadata', () => {
    for (const [names = '', , metadata = ''] of rows) {
      for (const name of codeIn(names)) {
        const place = operations.find((operation) => operation.name === name)?.metadata;
        expect(metadata, name).toBe(place === undefined ? '–' : place === 'body' ? 'in the body' : 'in a header');
      }
    }
  });
});

describe('the operations of the gateway', () => {
  const deployed: readonly { group?: string; name: string; method: string; urlTemplate: string }[] = JSON.parse(
    read('infra/gateway/operations.json'),
  );
  const covering = (path: string) =>
    deployed.filter(({ method, urlTemplate }) => {
      const own = `${method} ${urlTemplate}`;
      return own.endsWith('/*') ? path.startsWith(own.slice(0, -1)) : path === own;
    });

  it.each(operations)('have $path once, in its group', ({ path, group }) => {
    expect(covering(path).map((operation) => operation.group)).toStrictEqual([group]);
  });

  it('are all needed, and have names of their own', () => {
    const used = new Set(
      [...operations, { path: 'GET /health' }, { path: 'GET /usage' }].flatMap(({ path }) => covering(path)),
    );
    expect(used.size).toBe(deployed.length);
    expect(new Set(deployed.map(({ name }) => name)).size).toBe(deployed.length);
  });
});

describe('where a guardrail goes', () => {
  const PLACES = { body: 'in the body', headers: 'in headers', impossible: 'takes none', needless: 'not needed' };

  it('is what the table of operations says', () => {
    for (const [names = '', paths = '', , place = ''] of rowsUnder(read('src/bedrock/README.md'), 'operation')) {
      for (const [index, name] of codeIn(names).entries()) {
        const path = pathsIn(paths)[index];
        const row = operations.find((operation) => operation.name === name && operation.path === path);
        expect(place, name).toBe(row && PLACES[row.guardrail]);
      }
    }
  });

  it('is what the page on orders says', () => {
    const [body, headers, impossible, ofOtherGroups, others] = rowsUnder(read('src/bedrock/ORDERS.md'), 'operation');
    const inCell = (row: readonly string[] | undefined) => codeIn(row?.[0] ?? '').toSorted();
    const served = operations.filter(({ unsupported, group }) => unsupported === undefined && group !== 'mantle');
    const by = (place: string, inference = true) =>
      served
        .filter(({ guardrail, group }) => guardrail === place && (group === 'inference') === inference)
        .map(({ name }) => name)
        .toSorted();
    expect(inCell(body)).toStrictEqual(by('body'));
    expect(inCell(headers)).toStrictEqual(by('headers'));
    expect(inCell(impossible)).toStrictEqual(by('impossible'));
    expect(inCell(ofOtherGroups)).toStrictEqual(by('impossible', false));
    expect([...by('body', false), ...by('headers', false)]).toStrictEqual([]);
    expect(others?.[0]).toBe('all others');
  });
});

describe('the tables of policies', () => {
  it('have every option', () => {
    const page = read('infra/gateway/README.md');
    const described = [
      ...rowsUnder(page, 'limit').flatMap(([, file = '']) => codeIn(file)),
      ...rowsUnder(page, 'order').flatMap(([, , , file = '']) => codeIn(file)),
    ];
    expect(described.toSorted()).toStrictEqual(readdirSync(join(root, 'infra/gateway/policies/options')).toSorted());
  });
});
