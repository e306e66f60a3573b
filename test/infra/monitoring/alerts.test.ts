import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

import { beforeAll, describe, expect, it } from 'vitest';

import { analyze, resultOf } from '../../emulators/kusto/language.ts';
import type { Row } from '../../emulators/kusto/values.ts';
import { type Bicep, findBicep } from '../bicep-compiler.ts';
import { type Expansion, ofType, type Resource } from '../expand.ts';
import { ask, row } from './day.ts';
import { alertsOf, criterionOf, expandMonitoring } from './deployed.ts';
import { captureLines, type Lines } from './lines.ts';
import { SCHEMA } from './schema.ts';
import { root } from '../../support/root.ts';

const bicep = await findBicep();
const NAMES = ['credentials', 'errors', 'throttling', 'budgetnear', 'budgetusedup', 'budgetstore'];

describe.skipIf(bicep === undefined)('the alert rules', () => {
  let lines: Lines;
  let expansion: Expansion;
  let rules: ReadonlyMap<string, Resource>;

  beforeAll(async () => {
    lines = await captureLines();
    expansion = await expandMonitoring(bicep as Bicep);
    rules = alertsOf(expansion);
  });

  const times = (n: number, make: () => Row) => Array.from({ length: n }, make);
  const fine = (n: number) => times(n, () => row(1, lines.profile));
  const failed = (n: number) => times(n, () => row(1, lines.failed));
  const throttled = (n: number) => times(n, () => row(1, lines.throttled));

  /** Whether the rule would tell somebody, with these rows in its window. */
  function fires(name: string, rows: readonly Row[]): boolean {
    const { query, metricMeasureColumn, threshold } = criterionOf(rules.get(name));
    const [found, ...others] = ask(String(query), rows);
    expect(others).toStrictEqual([]);
    return found !== undefined && Number(found[String(metricMeasureColumn)]) > Number(threshold);
  }

  it.each(NAMES)('%s: silent without traffic, and as long as all is well', (name) => {
    expect(fires(name, [])).toBe(false);
    expect(fires(name, fine(50))).toBe(false);
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
    // The answer of a model that the account may not use is not about the keys.
    const denied = times(9, () => row(1, lines.keysRefused, { errorType: 'AccessDeniedException' }));
    expect(fires('credentials', denied)).toBe(false);
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
        properties: { enabled: true, autoMitigate: true, scopes: [workspace?.id], windowSize: 'PT15M' },
      });
      const criterion = criterionOf(rule);
      expect(criterion, name).toMatchObject({ operator: 'GreaterThan', timeAggregation: 'Maximum' });
      const columns = resultOf(analyze(String(criterion['query']), SCHEMA));
      expect(columns.find((column) => column.name === criterion['metricMeasureColumn'])?.type, name).toMatch(
        /^(long|real)$/,
      );
    }
  });

  it('are told in the page of monitoring as they are', async () => {
    const page = await readFile(join(root, 'infra/monitoring/README.md'), 'utf8');
    const frequencies = { PT5M: '5 minutes', PT15M: '15 minutes' };
    for (const [name, rule] of rules) {
      const { displayName, severity, evaluationFrequency } = rule['properties'] as Record<string, unknown>;
      const [, cells = ''] = page.split(`| *${String(displayName)}* |`);
      const [every, , level] = (cells.split('\n', 1)[0] ?? '').split('|').map((cell) => cell.trim());
      expect(every, name).toBe(frequencies[evaluationFrequency as keyof typeof frequencies]);
      expect(level, name).toBe(String(severity));
    }
  });
});
