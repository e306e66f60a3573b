import { expect, it } from 'vitest';

import { root } from '../support/root.ts';
import { chart } from './chart.ts';
import { documented } from './documents.ts';
import { TINY } from './plan.ts';
import { toJson } from './results.ts';
import { type Part, runBench } from './run.ts';
import { table } from './table.ts';
import { changesOf, targetsOf } from './targets.ts';

/** All that a run writes of these parts, and the lines that have a figure. */
async function runParts(parts: readonly Part[], against?: string) {
  const { measured, run } = await runBench({ plan: TINY, parts: new Set(parts), against, progress: () => {} });
  const targets = targetsOf(measured);
  const changes = changesOf(measured);
  const json = toJson(measured, TINY, run, targets);
  return {
    measured,
    figures: targets.flatMap(({ title, measured: figure }) => (Number.isFinite(figure?.median) ? [title] : [])),
    changes: changes.map(({ title }) => title),
    text: table(measured, targets, changes, run),
    picture: chart(measured, run),
    document: documented('<!-- bench: targets -->\n<!-- /bench -->', JSON.parse(json)),
  };
}

/** A hundred times what an idle machine needs. */
const options = { timeout: 1_200_000 };

it('compares ours with the floor, and with another build', options, async () => {
  const { figures, changes, text, picture, document } = await runParts(['core'], root);
  expect(figures).toStrictEqual([
    'throughput, small Converse, 20 at a time: ours / floor',
    'CPU per request, small Converse, 20 at a time: ours − floor',
    'p50, small Converse, 1 at a time: ours − floor',
    'first byte of a stream: ours − floor',
    '100 busy streams, CPU per event: ours / floor',
    'p50, request of 1 MB: ours / floor',
    'p50, request of 20 MB: ours / floor',
    'throughput, stream of 50 MB: ours / floor',
    'main bundle, minified',
  ]);
  expect(changes).toContain('throughput, small Converse, 20 at a time: ours / before');
  expect(changes).toHaveLength(8);
  expect(text).toMatch(/^ {2}before +\d/m);
  expect(picture).toContain('>before<');
  expect(document).toMatch(/\| throughput, small Converse, 20 at a time: ours \/ floor \| ≥ 0.97 \| [\d.]+/);
});

it('compares 200 teams with one, and asks STS once for each', options, async () => {
  const { measured, figures } = await runParts(['teams']);
  expect(figures.filter((title) => title.includes('200 subscriptions'))).toHaveLength(3);
  expect(figures).toContain('CPU per request: budgets − none');
  expect(measured.teams.stsCallsPerSession).toBe(1);
});

it('weighs streams and requests, and times starts and stalls', options, async () => {
  const { figures } = await runParts(['memory', 'starts', 'stalls']);
  expect(figures).toStrictEqual([
    'most memory for a request of 20 MB / its size',
    '500 slow streams, memory: ours / floor',
    '500 slow streams: memory per stream',
    'process start to function registered',
    'first call after a cold start with Key Vault: ours − floor',
    'process start to first answer with Key Vault: ours − floor',
    'event loop stall, worst head of 8 KB',
    'event loop stall, worst body, for a megabyte',
    'main bundle, minified',
  ]);
});
