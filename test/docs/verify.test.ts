import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { expect, it } from 'vitest';

import { operationsOfTemplate } from '../../infra/verify/azure/policy.ts';
import { LAYERS } from '../../infra/verify/check.ts';
import { CHECKS } from '../../infra/verify/checks/all.ts';
import { USAGE } from '../../infra/verify/arguments.ts';
import { BEDROCK_OPERATIONS } from '../emulators/gateway/operations.ts';
import { codeIn, rowsUnder } from '../support/markdown.ts';
import { root } from '../support/root.ts';

const text = readFileSync(join(root, 'infra/verify/README.md'), 'utf8');

it('the table of checks has every check, in the order in which they are run', () => {
  const rows = rowsUnder(text, 'check').map((cells) => cells.slice(0, 4));
  const checks = CHECKS.map(({ id, layer, title, needs }) => [id, layer, title, needs.join(', ') || '–']);
  expect(rows).toStrictEqual(checks);
});

it('the table of options has every option', () => {
  const told = rowsUnder(text, 'option').flatMap(([option = '']) => codeIn(option).map((each) => each.split(' ')[0]));
  const options = Array.from(USAGE.matchAll(/^ {2}(--[a-z-]+)/gm), ([, option]) => option);
  expect(told.toSorted()).toStrictEqual(options.toSorted());
});

it('check 10 knows the operations of the template', async () => {
  const known = new Set(BEDROCK_OPERATIONS.map(({ method, urlTemplate }) => `${method} ${urlTemplate}`));
  const wanted = (await operationsOfTemplate(['inference'])).map(
    ({ method, urlTemplate }) => `${method} ${urlTemplate}`,
  );
  expect(wanted.filter((operation) => !known.has(operation))).toStrictEqual([]);
  expect(wanted).toStrictEqual(
    expect.arrayContaining(['POST /model/*', 'POST /openai/*', 'GET /usage', 'GET /health']),
  );
});

it('checks stand on what was checked before, and climb from layer to layer', () => {
  const ids = CHECKS.map(({ id }) => id);
  expect(new Set(ids).size).toBe(ids.length);
  const early = CHECKS.filter(({ needs }, index) => needs.some((ground) => ids.indexOf(ground) >= index));
  expect(early.map(({ id }) => id)).toStrictEqual([]);
  const layers = CHECKS.map(({ layer }) => LAYERS.indexOf(layer));
  expect(layers).toStrictEqual(layers.toSorted((a, b) => a - b));
});
