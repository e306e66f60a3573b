import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

import { expect, it } from 'vitest';

import { CHECKS } from '../../../infra/verify/checks/all.ts';

const suites = readdirSync(import.meta.dirname)
  .filter((name) => name.endsWith('.test.ts'))
  .map((name) => ({ name, text: readFileSync(join(import.meta.dirname, name), 'utf8') }));

const BROKEN = /status: '(?:failed|warning)'/;
/** A call of `expectSaid` with id and finding; a row of a table of cases by id. */
const CALL = /expectSaid\([^;]*?, '(\w+)', (\{[^}]*)/g;
const ROW = /^ {2}'?(\d+b?)'?: \[$([\s\S]*?)^ {2}\],$/gm;

it('each check has a case in which what it looks at is broken', () => {
  const cases = suites.flatMap(({ text }) => [...text.matchAll(CALL), ...text.matchAll(ROW)]);
  const broken = new Set(cases.flatMap(([, id, said = '']) => (BROKEN.test(said) ? [id] : [])));
  expect(CHECKS.map(({ id }) => id).filter((id) => !broken.has(id))).toStrictEqual([]);
});

it('no suite expects a finding but with its evidence and remedy', () => {
  const other = /toMatchObject\([^;]*'(?:failed|warning)'|status\)\.toBe\('(?:failed|warning)'/;
  expect(suites.filter(({ text }) => other.test(text)).map(({ name }) => name)).toStrictEqual([]);
});
