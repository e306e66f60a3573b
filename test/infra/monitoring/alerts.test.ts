import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

import { beforeAll, describe, expect, it } from 'vitest';

import { analyze, resultOf } from '../../emulators/kusto/language.ts';
import { runQuery } from '../../emulators/kusto/query.ts';
import type { Row } from '../../emulators/kusto/values.ts';
import { eventLine, type LogEvent } from '../../../src/log.ts';
import { type Bicep, findBicep } from '../bicep-compiler.ts';
import { type Expansion, ofType, type Resource } from '../expand.ts';
import { NOW, row } from './day.ts';
import { alertsOf, criterionOf, expandMonitoring } from './deployed.ts';
import { captureLines, type Line, type Lines } from './lines.ts';
import { SCHEMA } from './schema.ts';
import { root } from '../../support/root.ts';

const bicep = await findBicep();
const NAMES = [
  'credentials',
  'errors',
  'throttling',
  'refusals',
  'token',
  'settings',
  'exports',
  'records',
  'silence',
  'instances',
  'budgetnear',
  'budgetusedup',
  'budgetstore',
];

describe.skipIf(bicep === undefined)('the alert rules', () => {
  let lines: Lines;
  let expansion: Expansion;
  let rules: ReadonlyMap<string, Resource>;
  let functionApp: string;
  let componentId: string;

  beforeAll(async () => {
    lines = await captureLines();
    expansion = await expandMonitoring(bicep as Bicep);
    rules = alertsOf(expansion);
    functionApp = ofType(expansion, 'Microsoft.Web/sites')[0]?.name ?? '';
    // As Azure writes it into rows.
    componentId = ofType(expansion, 'Microsoft.Insights/components')[0]?.id.toLowerCase() ?? '';
  });

  const times = (n: number, make: () => Row) => Array.from({ length: n }, make);
  const fine = (n: number) => times(n, () => row(1, lines.profile));
  const failed = (n: number) => times(n, () => row(1, lines.failed));
  const throttled = (n: number) => times(n, () => row(1, lines.throttled));

  /** A record of each of so many instances. */
  const instances = (count: number, minute = 1, prefix = 'i') =>
    Array.from({ length: count }, (_, index): Row => ({
      ...row(minute, lines.profile),
      AppRoleInstance: `${prefix}${index}`,
    }));

  /** The same rows, as those of an app that shares the workspace. */
  const ofAnother = (rows: readonly Row[]) =>
    rows.map((each): Row => ({ ...each, _ResourceId: `${componentId}-test` }));

  /** Whether the rule would tell somebody, with these rows in its window, by default of this app; about what, where it tells several things apart. */
  function fires(name: string, rows: readonly Row[], dependencies: readonly Row[] = []): boolean {
    const { query, metricMeasureColumn, threshold, dimensions } = criterionOf(rules.get(name));
    const found = runQuery(String(query), {
      schema: SCHEMA,
      rows: {
        AppTraces: rows.map((each) => ({ _ResourceId: componentId, ...each })),
        AppDependencies: dependencies,
      },
      now: NOW,
    });
    expect(found.length).toBeLessThan((dimensions as unknown[]).length === 0 ? 2 : 99);
    return found.some((values) => Number(values[String(metricMeasureColumn)]) > Number(threshold));
  }

  it.each(NAMES)('%s: silent without traffic, and as long as all is well', (name) => {
    // Silence is what that one rule is about.
    expect(fires(name, [])).toBe(name === 'silence');
    expect(fires(name, fine(50))).toBe(false);
  });

  it('do not mix another app in the same workspace with this one', () => {
    const line = (event: LogEvent) => row(1, JSON.parse(eventLine(event, { message: 'No.' })) as Line);
    const told: Readonly<Record<string, readonly Row[]>> = {
      credentials: times(3, () => row(1, lines.vaultFailed)),
      errors: failed(9),
      throttling: throttled(10),
      refusals: times(3, denied),
      token: times(3, () => row(1, lines.tokenRefused)),
      settings: [line('bedrock.settings')],
      exports: [line('bedrock.telemetry')],
      instances: instances(99),
      budgetnear: [row(1, lines.cached, { budgets: [{ budget: 'tokens/month', limit: 4000, used: 4001 }] })],
      budgetusedup: [row(1, lines.cached, { budgets: [{ budget: 'tokens/month', limit: 4000, used: 4001 }] })],
      budgetstore: [row(1, lines.tableFailed, { failures: 10 })],
    };
    for (const [name, rows] of Object.entries(told)) {
      expect(fires(name, rows), name).toBe(true);
      expect(fires(name, ofAnother(rows)), name).toBe(false);
      // Nor do its calls hide what is wrong here.
      expect(fires(name, [...rows, ...ofAnother(fine(900))]), name).toBe(true);
    }
    expect([...Object.keys(told), 'records', 'silence'].toSorted()).toStrictEqual(NAMES.toSorted());
    expect(fires('silence', ofAnother(fine(50)))).toBe(true);
    const calls = times(200, () => sent(60));
    const others = ofAnother(times(200, () => written(60)));
    expect(fires('records', others, calls)).toBe(true);
    expect(fires('records', [...times(200, () => written(60)), ...others], calls)).toBe(false);
  });

  it('credentials: told when the vault cannot be read or AWS refuses the keys, not at a single time', () => {
    expect(
      fires(
        'credentials',
        times(3, () => row(1, lines.vaultFailed)),
      ),
    ).toBe(true);
    expect(fires('credentials', [...fine(500), ...times(3, () => row(1, lines.keysRefused))])).toBe(true);
    expect(
      fires(
        'credentials',
        times(2, () => row(1, lines.vaultFailed)),
      ),
    ).toBe(false);
    // Nothing to go on with: every call fails until somebody acts.
    expect(fires('credentials', [row(1, lines.vaultFailed, { stale: false })])).toBe(true);
    // The answer of a model that the account may not use is not about the keys.
    expect(fires('credentials', times(9, denied))).toBe(false);
  });

  const denied = () => row(1, lines.denied);

  it('refusals: told when AWS refuses most calls of a model, which no other rule sees', () => {
    expect(fires('refusals', times(3, denied))).toBe(true);
    expect(fires('errors', times(99, denied))).toBe(false);
    expect(fires('refusals', times(2, denied))).toBe(false);
    const answered = () => row(1, lines.counted);
    expect(fires('refusals', [...times(3, denied), ...times(3, answered)])).toBe(false);
    // Calls of other models and teams do not hide it.
    expect(fires('refusals', [...times(3, denied), ...fine(900), ...times(900, () => row(1, lines.stream))])).toBe(
      true,
    );
    // What the proxy itself refuses is not AWS's.
    expect(
      fires(
        'refusals',
        times(9, () => row(1, lines.refused, { status: 403 })),
      ),
    ).toBe(false);
  });

  it('token: told when the gateway is not admitted, not when one of its callers is refused', () => {
    const refused = () => row(1, lines.tokenRefused);
    expect(fires('token', times(3, refused))).toBe(true);
    expect(
      fires(
        'token',
        times(3, () => row(1, lines.tokenRefused, { status: 403 })),
      ),
    ).toBe(true);
    expect(fires('token', times(2, refused))).toBe(false);
    for (const line of [lines.denied, lines.refused]) {
      expect(
        fires(
          'token',
          times(9, () => row(1, line, { status: 403 })),
        ),
      ).toBe(false);
    }
  });

  it('settings, exports: told at the first line of their own', () => {
    const line = (event: LogEvent) => row(1, JSON.parse(eventLine(event, { message: 'Wrong settings: A' })) as Line);
    expect(fires('settings', [line('bedrock.settings')])).toBe(true);
    expect(fires('settings', [line('bedrock.defect')])).toBe(true);
    expect(fires('exports', [line('bedrock.telemetry')])).toBe(true);
    expect(fires('settings', [line('bedrock.telemetry'), line('bedrock.clock')])).toBe(false);
    expect(fires('exports', [line('bedrock.settings')])).toBe(false);
  });

  const MINUTE = 60_000;
  /** A call that the gateway has sent to the app, that many minutes before the rule looks. */
  const sent = (minutesAgo: number, ItemCount = 1, app = functionApp) => ({
    TimeGenerated: NOW.getTime() - minutesAgo * MINUTE,
    Target: `${app}.azurewebsites.net`,
    ItemCount,
  });
  /** The record of a call that began then. */
  const written = (minutesAgo: number) =>
    row(1, lines.profile, { time: new Date(NOW.getTime() - minutesAgo * MINUTE).toISOString() });

  it('records: told when calls that the gateway has sent have no record', () => {
    const calls = times(200, () => sent(60));
    const records = (count: number) => times(count, () => written(60));
    expect(fires('records', records(200), calls)).toBe(false);
    expect(fires('records', records(198), calls)).toBe(false);
    expect(fires('records', records(197), calls)).toBe(true);
    expect(fires('records', [], calls)).toBe(true);
    // Too few to say; another app's; such as may still run, or are long past.
    expect(fires('records', [], calls.slice(0, 99))).toBe(false);
    expect(fires('records', [], [...calls.slice(0, 99), ...times(99, () => sent(60, 1, 'func-other'))])).toBe(false);
    expect(fires('records', [], [...calls.slice(0, 99), ...times(99, () => sent(60, 1, `${functionApp}-test`))])).toBe(
      false,
    );
    expect(fires('records', [], [...calls.slice(0, 99), ...times(99, () => sent(20))])).toBe(false);
    expect(fires('records', [], [...calls.slice(0, 99), ...times(99, () => sent(130))])).toBe(false);
    expect(fires('records', [...records(197), ...times(9, () => written(20)), written(130)], calls)).toBe(true);
  });

  it('records: allows for the error of a gateway that is sampled', () => {
    const sampled = times(100, () => sent(60, 10));
    const records = (count: number) => times(count, () => written(60));
    expect(fires('records', records(750), sampled)).toBe(false);
    expect(fires('records', records(650), sampled)).toBe(true);
  });

  it('instances: told when the busiest minutes had nearly all that there may be', () => {
    // The parameter of this deployment is 40.
    expect(fires('instances', instances(32))).toBe(false);
    expect(fires('instances', instances(33))).toBe(true);
    // One after the other is not at once.
    expect(fires('instances', [...instances(20), ...instances(20, 11, 'j')])).toBe(false);
  });

  it('errors: told of the share that proxy and Bedrock have failed, among calls that could succeed', () => {
    // The parameter of this deployment is 2 %.
    expect(fires('errors', [...fine(101), ...failed(3)])).toBe(true);
    expect(fires('errors', [...fine(148), ...failed(3)])).toBe(false);
    expect(fires('errors', failed(2))).toBe(false);
    expect(fires('errors', failed(3))).toBe(true);
    expect(fires('errors', [row(1, lines.cut), row(1, lines.partial), row(1, lines.broken)])).toBe(true);
    expect(
      fires(
        'errors',
        times(3, () => row(1, lines.keysRefused)),
      ),
    ).toBe(true);
    expect(
      fires(
        'errors',
        times(9, () => row(1, lines.failed, { errorSource: 'proxy' })),
      ),
    ).toBe(true);
    const disguised = times(3, () => row(1, lines.failed, { status: 200, errorType: 'UnknownOperationException' }));
    expect(fires('errors', disguised)).toBe(true);
    // Mistakes of a client do not hide the failures of others.
    expect(fires('errors', [...fine(97), ...failed(3), ...times(900, () => row(1, lines.refused))])).toBe(true);
  });

  it('errors: silent at a mistake of a client, at its leaving and at throttling', () => {
    for (const line of [lines.refused, lines.aborted, lines.throttled, lines.budgeted]) {
      expect(
        fires(
          'errors',
          times(9, () => row(1, line)),
        ),
      ).toBe(false);
    }
  });

  it('throttling: told of the share that got 429', () => {
    expect(fires('throttling', [...fine(79), ...throttled(10)])).toBe(true);
    expect(fires('throttling', [...fine(91), ...throttled(10)])).toBe(false);
    expect(fires('throttling', throttled(9))).toBe(false);
    expect(fires('throttling', [...throttled(5), ...times(5, () => row(1, lines.budgeted))])).toBe(true);
  });

  it('budgets: told of one that is nearly used up, and of one that is', () => {
    const used = (amount: number, minute = 1) => {
      const budgets = [{ budget: 'tokens/month', limit: 4000, used: amount }];
      return row(minute, lines.cached, { budgets });
    };
    expect(fires('budgetnear', [used(3200)])).toBe(false);
    expect(fires('budgetnear', [used(3201)])).toBe(true);
    expect(fires('budgetusedup', [used(3999)])).toBe(false);
    expect(fires('budgetusedup', [used(4000)])).toBe(true);
    // The latest call decides: a new month has begun.
    expect(fires('budgetusedup', [used(4000, 1), used(3, 2)])).toBe(false);
    const others = row(1, lines.arn, { budgets: [{ budget: 'tokens/month', limit: 4000, used: 4001 }] });
    expect(fires('budgetusedup', [others, used(3, 2)])).toBe(true);
  });

  it('budgets: told of a table that cannot be reached, not at a single time', () => {
    expect(lines.tableFailed).toMatchObject({ failures: 1, cause: expect.stringContaining('ECONNREFUSED') });
    expect(fires('budgetstore', [row(1, lines.tableFailed)])).toBe(false);
    expect(fires('budgetstore', [row(1, lines.tableFailed), row(6, lines.tableFailed, { failures: 10 })])).toBe(true);
  });

  it('measure a number that the query returns, over the log, and end by themselves', () => {
    const [workspace] = ofType(expansion, 'Microsoft.OperationalInsights/workspaces');
    expect([...rules.keys()]).toStrictEqual(NAMES);
    for (const [name, rule] of rules) {
      expect(rule, name).toMatchObject({
        kind: 'LogAlert',
        properties: {
          enabled: true,
          autoMitigate: true,
          scopes: [workspace?.id],
          windowSize: name === 'records' ? 'PT2H' : 'PT15M',
        },
      });
      const criterion = criterionOf(rule);
      expect(criterion, name).toMatchObject({ operator: 'GreaterThan', timeAggregation: 'Maximum' });
      const columns = resultOf(analyze(String(criterion['query']), SCHEMA));
      expect(columns.find((column) => column.name === criterion['metricMeasureColumn'])?.type, name).toMatch(
        /^(long|real)$/,
      );
      const named = (criterion['dimensions'] as { name: string }[]).map((dimension) => dimension.name);
      expect(columns.map((column) => column.name)).toEqual(expect.arrayContaining(named));
    }
  });

  it('are told in the page of monitoring as they are', async () => {
    const page = await readFile(join(root, 'infra/monitoring/README.md'), 'utf8');
    const frequencies = { PT5M: '5 minutes', PT15M: '15 minutes', PT30M: '30 minutes' };
    for (const [name, rule] of rules) {
      const { displayName, severity, evaluationFrequency } = rule['properties'] as Record<string, unknown>;
      const [, cells = ''] = page.split(`| *${String(displayName)}* |`);
      const [every, , level] = (cells.split('\n', 1)[0] ?? '').split('|').map((cell) => cell.trim());
      expect(every, name).toBe(frequencies[evaluationFrequency as keyof typeof frequencies]);
      expect(level, name).toBe(String(severity));
    }
  });
});
