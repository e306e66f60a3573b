import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

import { beforeAll, describe, expect, it } from 'vitest';

import { ask, at, dayOf, row, table } from './day.ts';
import { captureLines, HAIKU, HAIKU_IN_EUROPE, type Line, type Lines, NOVA, PROFILE_ARN } from './lines.ts';
import { questionsIn } from '../../support/kql-blocks.ts';
import { root } from '../../support/root.ts';

/** A month before, in minutes. */
const LONG_AGO = -30 * 24 * 60;

describe('the page of monitoring answers what is asked first', () => {
  let lines: Lines;
  let cost: string;
  let slowest: string;
  let throttled: string;

  beforeAll(async () => {
    lines = await captureLines();
    [cost = '', slowest = '', throttled = ''] = questionsIn(
      await readFile(join(root, 'infra/monitoring/README.md'), 'utf8'),
    );
  });

  it('what each team costs this month', () => {
    const priced = { modelId: 'eu.anthropic.claude-haiku-4-5-20251001-v1:0' };
    const rows = [
      ...dayOf(lines),
      row(3, lines.profile, { ...priced, inputTokens: 1_000_000, outputTokens: 2_000_000 }),
      row(4, lines.cached, { ...priced, cacheReadInputTokens: 1_000_000 }),
      row(LONG_AGO, lines.profile, { ...priced, inputTokens: 9_000_000 }),
    ];
    const first = 1.1 + 2 * 5.5;
    const second = 0.11 + (4 * 1.1 + 50 * 5.5 + 10 * 1.375 + 20 * 2.2) / 1_000_000;
    const streams = (3 * (40 * 0.06 + 300 * 0.24)) / 1_000_000;
    expect(ask(cost, rows)).toStrictEqual(
      table(
        'team cost calls withoutPrice withoutCounts',
        ['Équipe A (team-a)', expect.closeTo(first + second, 9), 12, 3, 4],
        ['team-b', expect.closeTo(streams, 9), 7, 1, 0],
      ),
    );
  });

  it('and says unknown instead of 0 where no call has a price', () => {
    expect(ask(cost, [row(0, lines.arn)])).toStrictEqual(
      table('team cost calls withoutPrice withoutCounts', ['team-b', null, 1, 1, 0]),
    );
  });

  it('of two subscriptions with one name apart', () => {
    const ofBoth = (line: Line) => [row(0, line), row(1, line, { subscriptionId: 'team-d' })];
    const teams = (query: string, line: Line) => ask(query, ofBoth(line)).map(({ team }) => team);
    const names = ['Équipe A (team-a)', 'Équipe A (team-d)'];
    expect(teams(cost, lines.profile).toSorted()).toStrictEqual(names);
    expect(teams(throttled, { ...lines.failed, status: 429 }).toSorted()).toStrictEqual(names);
  });

  it('and counts a call of a tier that has no price as one without', () => {
    const tiered = (serviceTier: string) => row(0, { ...lines.stream, serviceTier });
    const counts = (tier: string) => ask(cost, [tiered(tier)]).map(({ calls, withoutPrice }) => [calls, withoutPrice]);
    expect(counts('priority')).toStrictEqual([[1, 1]]);
    expect(counts('default')).toStrictEqual([[1, 0]]);
    // As Anthropic's dialect calls it.
    expect(counts('standard')).toStrictEqual([[1, 0]]);
    const priority = ["'amazon.nova-lite-v1:0', 'default'", "'amazon.nova-lite-v1:0', 'priority'"] as const;
    expect(ask(cost.replace(...priority), [tiered('Priority')])).toMatchObject([{ calls: 1, withoutPrice: 0 }]);
  });

  it('which models are slowest', () => {
    const rows = [
      ...dayOf(lines),
      row(50, lines.page, { durationMs: 88_888 }),
      row(LONG_AGO, lines.arn, { durationMs: 99_999 }),
    ];
    expect(ask(slowest, rows)).toStrictEqual(
      table(
        'model calls half most firstToken',
        [NOVA, 3, 2500, 3600, 700],
        [HAIKU_IN_EUROPE, 1, 3000, 3000, null],
        [HAIKU, 2, 20, 1000, null],
        [PROFILE_ARN, 1, 400, 400, null],
      ),
    );
  });

  it('who is throttled', () => {
    expect(ask(throttled, [...dayOf(lines), row(LONG_AGO, lines.throttled)])).toStrictEqual(
      table(
        'team model refusedBy calls lastSeen',
        ['team-b', NOVA, 'Bedrock', 2, at(61)],
        ['team-b', NOVA, 'this proxy', 1, at(62)],
      ),
    );
  });
});
