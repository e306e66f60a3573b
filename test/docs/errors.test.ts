import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { describe, expect, it } from 'vitest';

import { FAILURES } from '../../src/errors.ts';
import { rowsUnder } from '../support/markdown.ts';
import { root } from '../support/root.ts';

function read(path: string): string {
  return readFileSync(join(root, path), 'utf8');
}

/** Status and type of each row. */
function described(path: string, head: string): string[] {
  return rowsUnder(read(path), head).map((cells) => {
    const [, status = ''] = /\b(\d{3})\b/.exec(cells.join('|')) ?? [];
    const [, type = ''] = /`(\w+Exception)`/.exec(cells.join('|')) ?? [];
    return `${status} ${type}`;
  });
}

const failures = new Set(Object.values(FAILURES).map(([status, type]) => `${status} ${type}`));

describe('the table of errors', () => {
  it('has every failure of the proxy, once, and no other', () => {
    const rows = described('src/ERRORS.md', 'when');
    expect(rows.toSorted()).toStrictEqual([...failures].toSorted());
  });

  it('says which of them are worth a repetition', () => {
    const again = rowsUnder(read('src/ERRORS.md'), 'when').map((cells) => `${cells[2]} ${cells.at(-1)}`);
    const known = Object.values(FAILURES).map(([, type, retry]) => `\`${type}\` ${retry ? 'yes' : 'no'}`);
    expect(again.toSorted()).toStrictEqual([...new Set(known)].toSorted());
  });

  it('has every error of the gateway', () => {
    const types = new Set(described('src/ERRORS.md', 'when').map((row) => row.split(' ')[1]));
    const policy = read('infra/gateway/policies/bedrock.xml');
    const named = Array.from(policy.matchAll(/name="bedrock-error-type" value="(\w+)"/g), ([, type]) => type);
    expect(named.length).toBeGreaterThan(9);
    expect(named.filter((type) => !types.has(type))).toStrictEqual([]);
  });
});

describe('the page for callers', () => {
  it('explains the errors of the proxy that a caller can meet, as they are', () => {
    const rows = described('src/bedrock/CLIENTS.md', 'what you see');
    expect(rows.length).toBeGreaterThan(9);
    const ofAws = rows.filter((row) => !failures.has(row));
    expect(ofAws).toStrictEqual(['403 UnrecognizedClientException']);
  });
});
