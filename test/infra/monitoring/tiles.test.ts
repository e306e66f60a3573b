import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

import { beforeAll, describe, expect, it } from 'vitest';

import type { Row } from '../../emulators/kusto/values.ts';
import { type Bicep, findBicep } from '../bicep-compiler.ts';
import { ask, at, dayOf, row, table } from './day.ts';
import { type Choices, choose, expandMonitoring, workbookOf } from './deployed.ts';
import { captureLines, HAIKU, HAIKU_IN_EUROPE, type Lines, NOVA, PROFILE_ARN } from './lines.ts';
import { readPrices } from '../../../src/budgets/prices.ts';
import { root } from '../../support/root.ts';

const bicep = await findBicep();

const TEAM_A = 'Équipe A (team-a)';
const TEAM_B = 'team-b';
const DAY = '2026-11-20T00:00:00.000Z';

describe.skipIf(bicep === undefined)('the tiles of the workbook', () => {
  let lines: Lines;
  let queries: ReadonlyMap<string, string>;

  beforeAll(async () => {
    lines = await captureLines();
    const { tiles } = workbookOf(await expandMonitoring(bicep as Bicep));
    queries = new Map(tiles.map(({ name, query }) => [name, query]));
  });

  const day = () => dayOf(lines);
  const show = (name: string, rows: readonly Row[], choices?: Choices) =>
    ask(choose(queries.get(name) ?? `no tile ${name}`, choices), rows);

  describe('drop-downs', () => {
    it('offer subscriptions by name, also one whose name has changed', () => {
      const renamed = row(99, lines.cached, { subscriptionName: 'Team A' });
      expect(show('Subscriptions', [...day(), renamed])).toStrictEqual(
        table('value label', ['team-a', 'Team A (team-a)'], ['team-b', 'team-b']),
      );
    });

    it('offer the models that have answered', () => {
      const madeUp = row(99, lines.failed, { modelId: "it's not a model" });
      expect(show('Models', [...day(), madeUp]).map(({ value }) => value)).toStrictEqual([
        NOVA,
        HAIKU,
        PROFILE_ARN,
        HAIKU_IN_EUROPE,
      ]);
    });

    it('limit what is shown', () => {
      const totals = (choices: Choices) => show('totals', day(), choices)[0];
      expect(totals({})).toMatchObject({ Calls: 18, Failed: 10 });
      expect(totals({ subscriptions: ['team-b'] })).toMatchObject({ Calls: 7, Failed: 3 });
      const models = [HAIKU_IN_EUROPE, PROFILE_ARN];
      expect(totals({ subscriptions: ['team-a', 'team-b'], models })).toMatchObject({
        Calls: 2,
        Input: 110,
        Output: 25,
      });
      expect(totals({ subscriptions: ['nobody'] })).toMatchObject({ Calls: 0, Input: 0 });
    });

    it('offer workspaces', () => {
      const resources = [
        { id: '/w', type: 'Microsoft.OperationalInsights/workspaces' },
        { id: '/s', type: 'Microsoft.Storage/storageAccounts' },
      ];
      expect(ask(queries.get('Workspaces') ?? '', resources, 'resources')).toStrictEqual([{ id: '/w' }]);
    });
  });

  describe('tokens', () => {
    it('are summed without what is not known, and without health probes', () => {
      expect(show('totals', day())).toStrictEqual(
        table('Calls Failed Throttled Input Output CacheRead CacheWrite CallsWithoutCounts', [
          18,
          10,
          3,
          4 + 100 + 10 + 3 * 40 + 18,
          50 + 20 + 5 + 3 * 300,
          200,
          30,
          4,
        ]),
      );
    });

    it('by subscription and by model, over time', () => {
      expect(show('tokens-by-subscription', day())).toStrictEqual(
        table(
          'TimeGenerated Subscription Tokens',
          [at(0), TEAM_B, 15 + 3 * 340],
          [at(0), TEAM_A, 284 + 120],
          [at(60), TEAM_B, 0],
          [at(60), TEAM_A, 18],
        ),
      );
      expect(show('tokens-by-model', day(), { grain: '1d' })).toStrictEqual(
        table(
          'TimeGenerated ModelId Tokens',
          [DAY, '(not known)', 0],
          [DAY, NOVA, 3 * 340],
          [DAY, HAIKU, 284 + 18],
          [DAY, PROFILE_ARN, 15],
          [DAY, HAIKU_IN_EUROPE, 120],
        ),
      );
    });

    it('by kind', () => {
      expect(show('tokens-by-kind', day())).toStrictEqual(
        table(
          'Subscription ModelId Calls Input Output OfItReasoning CacheRead CacheWrite CallsWithoutCounts',
          [TEAM_B, NOVA, 6, 120, 900, 0, 0, 0, 0],
          [TEAM_A, HAIKU, 9, 22, 50, 40, 200, 30, 4],
          [TEAM_A, HAIKU_IN_EUROPE, 1, 100, 20, 0, 0, 0, 0],
          [TEAM_B, PROFILE_ARN, 1, 10, 5, 0, 0, 0, 0],
          [TEAM_A, '(not known)', 1, 0, 0, 0, 0, 0, 0],
        ),
      );
    });

    it('that are not known are told, with the reason', () => {
      expect(show('counts-missing', day())).toStrictEqual(
        table(
          'Reason Operation ModelId Calls KnownTokens Last',
          ['no answer', 'Converse', HAIKU, 2, 0, at(90)],
          ['cut', 'ConverseStream', HAIKU, 1, 0, at(75)],
          ['cut: counts until then', 'InvokeModelWithResponseStream', HAIKU, 1, 18, at(80)],
        ),
      );
    });
  });

  describe('cost', () => {
    // Prices of a token, times a million; with an empty line and a Windows line end, as people leave them.
    const prices = `# model, tier, input, output, cache read, cache write, cache write for an hour
anthropic.claude-3-haiku*, , 1000000, 2000000, 3000000, 4000000, 5000000
anthropic.claude*, , 7, 7, 7, 7, 7
eu.anthropic.claude-3-haiku*,,10000000,20000000\r

abc123,,500000, 500000`;
    const haiku = 4 + 2 * 50 + 3 * 200 + 4 * 10 + 5 * 20;
    const partial = 18;
    const inEurope = 10 * 100 + 20 * 20;
    const arn = 0.5 * 15;
    const byModel = 'ModelId PriceOf Cost Calls CallsWithoutPrice CallsWithoutCounts';

    it('by model: the longest line that fits, an id with its geography first; none for what no line fits', () => {
      expect(show('cost-by-model', day(), { prices })).toStrictEqual(
        table(
          byModel,
          [HAIKU_IN_EUROPE, 'eu.anthropic.claude-3-haiku*', inEurope, 1, 0, 0],
          [HAIKU, 'anthropic.claude-3-haiku*', haiku + partial, 5, 0, 4],
          [PROFILE_ARN, 'abc123', arn, 1, 0, 0],
          [NOVA, 'no price', null, 3, 3, 0],
        ),
      );
    });

    it('by model: an id with a geography takes the line without it, when it has none of its own', () => {
      const line = (model: string) => `${model}, , 1000000, 1000000`;
      const costs = (models: readonly string[]) =>
        show('cost-by-model', [row(0, lines.profile)], { prices: models.map(line).join('\n') });
      expect(costs([HAIKU])).toStrictEqual(table(byModel, [HAIKU_IN_EUROPE, HAIKU, 120, 1, 0, 0]));
      const inTheWorld = row(0, lines.profile, { modelId: `global.${HAIKU}` });
      expect(show('cost-by-model', [inTheWorld], { prices: line(HAIKU) })).toMatchObject([{ PriceOf: 'no price' }]);
      expect(costs([`us.${HAIKU}`])).toStrictEqual(table(byModel, [HAIKU_IN_EUROPE, 'no price', null, 1, 1, 0]));
    });

    it('by model: by what was called, where that was asked for by a name', () => {
      const called = row(0, lines.arn, { resolvedModelId: HAIKU });
      expect(show('cost-by-model', [called], { prices: `${HAIKU}, , 1000000, 1000000` })).toMatchObject([
        { ModelId: HAIKU, PriceOf: HAIKU },
      ]);
    });

    it('by tier where a line names one, and what nothing else fits by the line of all', () => {
      const tiers = `*, , 1000000, 1000000\n${HAIKU}, , 2000000, 2000000\n${HAIKU}, priority, 3000000, 3000000`;
      // A record has the tier where the answer tells it.
      const tiered = (minute: number, serviceTier: string, modelId: string) =>
        row(minute, { ...lines.profile, serviceTier }, { inputTokens: 1, outputTokens: 0, modelId });
      const rows = [tiered(0, 'priority', HAIKU), tiered(1, 'flex', HAIKU), tiered(2, 'priority', NOVA)];
      const costs = show('cost-by-model', rows, { prices: tiers });
      expect(costs.map(({ PriceOf, Cost }) => [PriceOf, Cost])).toStrictEqual([
        [HAIKU, 5],
        ['*', 1],
      ]);
    });

    it('as the function estimates it', async () => {
      const examples = await readFile(join(root, 'infra/prices.csv'), 'utf8');
      const find = readPrices(examples);
      const models = [
        HAIKU,
        'anthropic.claude-haiku-4-5-20251001-v1:0',
        'eu.anthropic.claude-sonnet-4-5-x',
        NOVA,
        'meta.x',
      ];
      const usage = {
        inputTokens: 1_001_000,
        outputTokens: 502_000,
      };
      for (const modelId of models) {
        const [shown] = show('cost-by-model', [row(0, lines.profile, { ...usage, modelId })], { prices: examples });
        const cost = find(modelId)?.costOf(usage);
        // The tile shows four decimals.
        expect(shown?.['Cost'], modelId).toBe(cost === undefined ? null : Math.round(cost / 100_000) / 10_000);
      }
    });

    it('by the same line as the function, whatever the order of the table', () => {
      const lists = [
        // An exact id against beginnings of it, as long as it and shorter.
        [`${NOVA}, , 1, 1`, `${NOVA.slice(0, -1)}*, , 2, 2`, `${NOVA}*, , 3, 3`, '*, , 4, 4'],
        [`${NOVA}*, priority, 1, 1`, `${NOVA}, , 2, 2`, 'a*, , 3, 3', '*, priority, 4, 4'],
        ['a*, , 1, 1', '*, , 2, 2'],
        // No line of the tier: a budget is charged, but what it costs is not known.
        [`${NOVA}, flex, 1, 1`, `${NOVA}*, priority, 2, 2`],
        [`eu.${NOVA}*, , 1, 1`, `${NOVA}, , 2, 2`, `eu.${NOVA}, , 3, 3`, 'eu.*, , 4, 4'],
      ];
      const usage = { inputTokens: 1_000_000, outputTokens: 0 };
      for (const list of [...lists, ...lists.map((each) => each.toReversed())]) {
        const priceTable = list.join('\n');
        for (const modelId of [NOVA, `eu.${NOVA}`]) {
          for (const serviceTier of ['default', 'priority']) {
            const rows = [row(0, { ...lines.profile, serviceTier }, { ...usage, modelId })];
            const cost = readPrices(priceTable)(modelId, serviceTier)?.costOf(usage);
            const [shown] = show('cost-by-model', rows, { prices: priceTable });
            const expected = cost === undefined ? null : cost / 1e9;
            expect(shown?.['Cost'], `${modelId}, ${serviceTier}:\n${priceTable}`).toBe(expected);
          }
        }
      }
    });

    it('by subscription, with what is left out', () => {
      expect(show('cost-by-subscription', day(), { prices })).toStrictEqual(
        table(
          'Subscription Cost Calls CallsWithoutPrice CallsWithoutCounts',
          [TEAM_A, haiku + partial + inEurope, 11, 0, 4],
          [TEAM_B, arn, 7, 3, 0],
        ),
      );
    });

    it('is unknown, not 0, where no call has a price, and 0 where no tokens were used', () => {
      const costs = show('cost-by-subscription', [row(0, lines.stream), row(1, lines.refused)], { prices });
      expect(costs.map(({ Subscription, Cost }) => [Subscription, Cost])).toStrictEqual([
        [TEAM_A, 0],
        [TEAM_B, null],
      ]);
      expect(show('cost-by-subscription', [row(0, lines.cut)], { prices })).toMatchObject([{ Cost: null }]);
    });

    it('needs the price of each kind that was used', () => {
      const costs = (line: string) =>
        show('cost-by-model', [row(0, lines.cached), row(1, lines.counted)], { prices: `${HAIKU}, , ${line}` });
      expect(costs('1000000, 1000000, 0, 0, 0')).toStrictEqual(table(byModel, [HAIKU, HAIKU, 54, 1, 0, 0]));
      expect(costs('1000000, 1000000, 0, 0')).toStrictEqual(
        table(byModel, [HAIKU, `${HAIKU}, a price is missing`, null, 1, 1, 0]),
      );
    });

    it('by day', () => {
      const rows = [...day(), row(24 * 60, lines.profile)];
      expect(show('cost-over-time', rows, { prices })).toStrictEqual(
        table(
          'TimeGenerated Subscription Cost',
          [DAY, TEAM_B, arn],
          [DAY, TEAM_A, haiku + partial + inEurope],
          ['2026-11-21T00:00:00.000Z', TEAM_A, inEurope],
        ),
      );
      expect(show('cost-over-time', rows)).toStrictEqual([]);
    });

    it('has examples that can be read', async () => {
      const examples = await readFile(join(root, 'infra/prices.csv'), 'utf8');
      expect(examples).toMatch(/^# EXAMPLES/);
      const called = [
        'global.anthropic.claude-haiku-4-5-20251001-v1:0',
        'eu.anthropic.claude-sonnet-4-5-20250929-v1:0',
        NOVA,
      ];
      const million = { inputTokens: 1_000_000, outputTokens: 1_000_000 };
      const rows = called.map((modelId) => row(0, lines.profile, { ...million, modelId }));
      const costs = show('cost-by-model', rows, { prices: examples });
      expect(costs.map(({ Cost }) => Cost)).toStrictEqual([3.3 + 16.5, 1 + 5, 0.06 + 0.24]);
    });
  });

  it('costs that were estimated when the calls were made are the sums of the records', async () => {
    const priced = lines.stream;
    const cost = Number(priced['estimatedCost']);
    expect(cost).toBeGreaterThan(0);
    const rows = [row(0, priced), row(1, priced), row(2, lines.arn), row(3, lines.refused)];
    expect(show('estimated-cost', rows)).toStrictEqual(
      table(
        'Subscription ModelId Cost Calls CallsWithoutPrice',
        [TEAM_B, NOVA, Math.round(2 * cost * 1e6) / 1e6, 2, 0],
        [TEAM_B, PROFILE_ARN, null, 1, 1],
      ),
    );
  });

  describe('budgets', () => {
    const columns = 'Holder Budget Limit Used Rest UsedPercent Forecast ForecastPercent Known';
    const month = (used: number) => [{ budget: 'tokens/month', limit: 4000, used }];

    it('are those that the function tells', () => {
      expect(lines.cached['budgets']).toStrictEqual(month(0));
      // A call that is refused tells them too.
      expect(lines.budgeted['budgets']).toStrictEqual(month(2000));
    });

    it('of each subscription, as the latest call has found it, with a forecast to the end of the month', () => {
      const calls = [
        row(0, lines.cached, { budgets: month(1000) }),
        row(60, lines.cached, { budgets: month(1950) }),
        row(30, lines.arn, { budgets: [...month(5000), { budget: 'cost/day', limit: 0.5, used: 0.125 }] }),
        row(40, lines.health),
      ];
      // At 11:00 on the 20th, 19 days and 11 hours of 30 days have passed; at 10:30 half an hour less.
      const forecast = (used: number, hours: number) => Math.round((used / (19 + hours / 24)) * 30 * 1e4) / 1e4;
      const percent = (amount: number) => Math.round(amount / 4) / 10;
      expect(show('budgets-left', calls)).toStrictEqual(
        table(
          columns,
          [TEAM_B, 'tokens/month', 4000, 5000, 0, 125, forecast(5000, 10.5), percent(forecast(5000, 10.5)), at(30)],
          [TEAM_A, 'tokens/month', 4000, 1950, 2050, 48.8, forecast(1950, 11), percent(forecast(1950, 11)), at(60)],
          [TEAM_B, 'cost/day', 0.5, 0.125, 0.375, 25, null, null, at(30)],
        ),
      );
    });

    it('of a product are shown once, for all of its subscriptions', () => {
      const budgets = (used: number) => [{ budget: 'product:cost/month', limit: 10, used }];
      const calls = [
        row(0, lines.stream, { budgets: budgets(1) }),
        row(5, lines.arn, { subscriptionId: 'team-d', budgets: budgets(2) }),
      ];
      expect(show('budgets-left', calls)).toMatchObject([
        { Holder: 'product gold', Budget: 'product:cost/month', Used: 2, Rest: 8, UsedPercent: 20 },
      ]);
    });
  });

  describe('latency', () => {
    it('of complete answers by model and operation', () => {
      expect(show('latency-by-model', day())).toStrictEqual(
        table(
          'ModelId Operation Calls DurationMs50 DurationMs95 DurationMs99 HeadersMs95',
          [NOVA, 'ConverseStream', 3, 2500, 3600, 3600, 400],
          [HAIKU_IN_EUROPE, 'Converse', 1, 3000, 3000, 3000, 2500],
          [HAIKU, 'InvokeModel', 1, 1000, 1000, 1000, 900],
          [PROFILE_ARN, 'Converse', 1, 400, 400, 400, 300],
          [HAIKU, 'CountTokens', 1, 20, 20, 20, 10],
        ),
      );
    });

    it('of the first token, and the speed after it: 300 tokens in 2, 1 and 3 seconds', () => {
      expect(show('first-token-by-model', day())).toStrictEqual(
        table('ModelId Streams FirstTokenMs50 FirstTokenMs95 FirstTokenMs99 TokensPerSecond50 TokensPerSecond5', [
          NOVA,
          3,
          600,
          700,
          700,
          150,
          100,
        ]),
      );
    });

    it('over time', () => {
      expect(show('latency-over-time', day(), { models: [NOVA], grain: '30m' })).toStrictEqual(
        table('TimeGenerated ModelId DurationMs95', [at(0), NOVA, 2500], [at(30), NOVA, 3600]),
      );
    });
  });

  describe('failures', () => {
    it('by whose they are', () => {
      expect(show('errors-over-time', day())).toStrictEqual(
        table('TimeGenerated ErrorSource Errors', [at(60), 'bedrock', 6], [at(60), 'client', 2], [at(60), 'proxy', 2]),
      );
      const shown = show('errors', day()).map(({ ErrorSource, ErrorType, Status, Operation, Calls }) =>
        [ErrorSource, ErrorType, Status, Operation, Calls].join(' '),
      );
      expect(shown).toStrictEqual([
        'bedrock ThrottlingException 429 Converse 2',
        'proxy InternalServerException 500 Converse 1',
        'bedrock InternalServerException 500 Converse 1',
        'bedrock ServiceUnavailableException 503 Converse 1',
        'bedrock ServiceUnavailableException 200 ConverseStream 1',
        'bedrock ServiceUnavailableException 200 InvokeModelWithResponseStream 1',
        'client ThrottlingException 429 Converse 1',
        'proxy UnrecognizedClientException 503 Converse 1',
        'client ValidationException 400  1',
      ]);
    });

    it('are as many as the failed calls, also those without a type', () => {
      expect(lines.page).toMatchObject({ status: 502, errorSource: 'bedrock' });
      expect(lines.page).not.toHaveProperty('errorType');
      const rows = [...day(), row(66, lines.page)];
      const errors = show('errors', rows).reduce((sum, { Calls }) => sum + Number(Calls), 0);
      expect(errors).toBe(11);
      expect(show('totals', rows)).toMatchObject([{ Calls: 19, Failed: errors }]);
    });

    it('throttling, ours apart from that of Bedrock', () => {
      expect(show('throttling', day())).toStrictEqual(
        table('Subscription ModelId Calls ByBedrock ByProxy Percent', [TEAM_B, NOVA, 6, 2, 1, 50]),
      );
      expect(show('throttling-over-time', day())).toStrictEqual(
        table('TimeGenerated By Calls', [at(60), 'Bedrock', 2], [at(60), 'this proxy', 1]),
      );
    });

    it('what was tried where', () => {
      const moved = (regionsTried: string, region: string) => row(70, lines.moved, { regionsTried, region });
      const rows = [
        row(0, lines.cached),
        row(1, lines.stream, { region: 'eu-west-1' }),
        moved('us-east-1,eu-west-1', 'eu-west-1'),
        moved('us-east-1,eu-west-1,eu-north-1', 'eu-north-1'),
        // The first one's refusal was the answer.
        moved('us-east-1,eu-west-1', 'us-east-1'),
        row(85, lines.refused),
      ];
      expect(show('regions', rows)).toStrictEqual(
        table(
          'AwsRegion ModelId Calls Answered PassedOn TakenOver Percent',
          ['eu-north-1', HAIKU, 1, 1, 0, 1, 0],
          ['eu-west-1', HAIKU, 3, 1, 2, 1, 66.7],
          ['eu-west-1', NOVA, 1, 1, 0, 0, 0],
          ['us-east-1', HAIKU, 4, 2, 2, 0, 50],
        ),
      );
    });

    it("what was tried and not answered is nobody's answer", () => {
      const moved = { ...lines.broken, regionsTried: 'us-east-1,eu-west-1' };
      const rows = [
        row(0, lines.cached),
        row(1, lines.failed),
        row(2, lines.broken),
        row(3, lines.aborted),
        row(4, moved, { region: 'eu-west-1' }),
      ];
      expect(show('regions', rows)).toStrictEqual(
        table(
          'AwsRegion ModelId Calls Answered PassedOn TakenOver Percent',
          ['eu-west-1', HAIKU, 1, 0, 0, 0, 0],
          ['us-east-1', HAIKU, 5, 2, 1, 0, 20],
        ),
      );
    });

    it('streams that were cut, by who ended them', () => {
      const left = row(81, lines.stream, { outcome: 'clientClosed' });
      const late = row(82, lines.cut, { outcome: 'timedOut' });
      expect(show('cut-streams', [...day(), left, late])).toStrictEqual(
        table(
          'Subscription ModelId Streams ByClient ByBedrock ByDeadline Percent',
          [TEAM_A, HAIKU, 3, 0, 2, 1, 100],
          [TEAM_B, NOVA, 4, 1, 0, 0, 25],
        ),
      );
    });

    it('what else the proxy has reported', () => {
      const { cause } = lines.vaultFailed;
      const rows = [...day(), row(96, lines.vaultFailed), row(97, lines.vaultFailed, { stale: false })];
      expect(show('events', rows)).toStrictEqual(
        table(
          'Event Cause Lines First Last',
          ['bedrock.credentials: no keys', cause, 1, at(97), at(97)],
          ['bedrock.credentials: older keys go on', cause, 2, at(95), at(96)],
          ['bedrock.failure', 'SocketError UND_ERR_SOCKET: other side closed', 1, at(71), at(71)],
        ),
      );
    });
  });

  it('are empty, or say 0, without calls', () => {
    for (const name of [...queries.keys()].filter((tile) => tile !== 'totals')) {
      expect(show(name, []), name).toStrictEqual([]);
    }
    expect(new Set(Object.values(show('totals', [])[0] ?? {}))).toStrictEqual(new Set([0]));
  });
});
