import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { describe, expect, it } from 'vitest';

import { codeIn, rowsUnder } from '../support/markdown.ts';
import { root } from '../support/root.ts';

const COMMANDS = 'node_modules/@aws-sdk/client-sts/dist-types/commands';

/** Refusals of which the client says that the two calls can end with them, by the codes that are on the wire. */
const modelled = ['AssumeRoleCommand', 'AssumeRoleWithWebIdentityCommand']
  .map((command) => readFileSync(join(root, COMMANDS, `${command}.d.ts`), 'utf8'))
  .flatMap((text) => Array.from(text.matchAll(/@throws \{@link (\w+)\}/g), ([, name = '']) => name))
  .filter((name) => name !== 'STSServiceException')
  .map(wireCode);

/** Refusals that every call of STS can end with ("Common Errors" of its API reference, and what it sends for some). */
const COMMON = [
  'AccessDenied',
  'ExpiredToken',
  'InternalFailure',
  'InvalidClientTokenId',
  'ServiceUnavailable',
  'SignatureDoesNotMatch',
  'Throttling',
  'ValidationError',
];

/** The API model leaves the end of the name off in some codes. */
function wireCode(name: string): string {
  return /^(?:ExpiredToken|RegionDisabled)Exception$/.test(name) ? name : name.replace(/Exception$/, '');
}

const rows = rowsUnder(readFileSync(join(root, 'infra/TROUBLE.md'), 'utf8'), '`code`');
const told = new Set(rows.flatMap(([codes = '']) => codeIn(codes)).filter((code) => code !== 'iss'));

describe('*STS gives no session*', () => {
  it('reads the client', () => {
    expect(new Set(modelled)).toContain('InvalidIdentityToken');
    expect(new Set(modelled).size).toBeGreaterThanOrEqual(7);
  });

  it.each([...new Set([...modelled, ...COMMON])])('has a row for %s', (code) => {
    expect(told).toContain(code);
  });

  it('has none that STS does not send', () => {
    const known = new Set([...modelled, ...COMMON]);
    expect([...told].filter((code) => !known.has(code))).toStrictEqual([]);
  });

  it.each(rows.map(([codes = '', remedy = '']) => [codes, remedy]))('says what to do about %s', (_codes, remedy) => {
    expect(remedy.split(' ').length).toBeGreaterThan(4);
  });
});
