import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { expect, it } from 'vitest';

import { documented, DOCUMENTS, type Results } from '../bench/documents.ts';
import { root } from '../support/root.ts';

const textOf = (path: string) => readFileSync(join(root, path), 'utf8');
const results = JSON.parse(textOf('test/bench/results/bench.json')) as Results;

it.each(DOCUMENTS)('%s tells the figures of the run that is kept', (path) => {
  expect(documented(textOf(path), results)).toBe(textOf(path));
});
