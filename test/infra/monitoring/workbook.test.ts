import { readFileSync } from 'node:fs';
import { glob, readFile } from 'node:fs/promises';
import { join } from 'node:path';

import { beforeAll, describe, expect, it } from 'vitest';

import { analyze, type Analysis, nodesOf, resultOf } from '../../emulators/kusto/language.ts';
import { type Bicep, findBicep } from '../bicep-compiler.ts';
import { at, type Expansion, ofType } from '../expand.ts';
import { alertsOf, choose, criterionOf, expandMonitoring, type Workbook, workbookOf } from './deployed.ts';
import { captureLines } from './lines.ts';
import { kqlIn } from '../../support/kql-blocks.ts';
import { documents } from '../../support/markdown.ts';
import { SCHEMA } from './schema.ts';
import { root } from '../../support/root.ts';

const bicep = await findBicep();

/** What is on the page, from top to bottom. */
const PAGE = `
  parameters totals
  tokens tokens-by-subscription tokens-by-model tokens-by-kind counts-missing
  cost prices cost-by-subscription cost-by-model cost-over-time estimated-cost
  budgets budgets-left
  latency latency-by-model first-token-by-model latency-over-time
  failures errors-over-time throttling-over-time errors throttling regions cut-streams events
`;
/** What the reader can choose. */
const PARAMETERS = ['TimeRange', 'Workspaces', 'Subscriptions', 'Models', 'Prices'];

/** Names of members, also of the objects in a list. */
function membersOf(line: object): string[] {
  const inLists = Object.values(line).filter((value) => Array.isArray(value));
  return [...Object.keys(line), ...inLists.flat().flatMap(membersOf)];
}

describe.skipIf(bicep === undefined)('what is deployed to look at', () => {
  let expansion: Expansion;
  let workbook: Workbook;
  let page: string;
  /** Every query that there is, by where it stands. */
  let queries: ReadonlyMap<string, string>;
  let analyses: ReadonlyMap<string, Analysis>;

  beforeAll(async () => {
    expansion = await expandMonitoring(bicep as Bicep);
    workbook = workbookOf(expansion);
    const texts = documents().map((path): [string, string] => [path, readFileSync(join(root, path), 'utf8')]);
    page = Object.fromEntries(texts)['infra/monitoring/README.md'] ?? '';
    queries = new Map([
      ...workbook.tiles.map(({ name, query }): [string, string] => [`tile ${name}`, choose(query)]),
      ...Array.from(alertsOf(expansion), ([name, rule]): [string, string] => [
        `alert ${name}`,
        String(criterionOf(rule)['query']),
      ]),
      ...texts.flatMap(([path, text]) =>
        kqlIn(text).map((query, index): [string, string] => [`${path}, block ${index + 1}`, query]),
      ),
    ]);
    analyses = new Map(Array.from(queries, ([where, query]) => [where, analyze(query, SCHEMA)]));
  });

  describe('queries', () => {
    it('are right in syntax, names and types', () => {
      expect(analyses.size).toBeGreaterThan(25);
      for (const [where, { diagnostics }] of analyses) expect(diagnostics, where).toStrictEqual([]);
    });

    it('find the lines by the index of terms, and only then look how they begin', () => {
      const reading = [...queries].filter(([, query]) => query.includes('Message startswith'));
      expect(reading.length).toBeGreaterThan(25);
      for (const [where, query] of reading) {
        const [before = ''] = query.split('Message startswith', 1);
        expect(before, where).toContain('Message has');
      }
    });

    it('take a call for failed by whose failure it was: not every error has a type', () => {
      for (const [where, query] of queries) expect(query, where).not.toMatch(/empty\((?:r\.)?errorType\)/i);
    });

    it('name no member of a log line that the proxy does not write', async () => {
      const written = new Set(Object.values(await captureLines()).flatMap(membersOf));
      const asked = Array.from(analyses).flatMap(([where, { syntax }]) =>
        [...nodesOf(syntax)]
          .filter(({ kind, children }) => kind === 'PathExpression' && children[0]?.type === 'dynamic')
          .map(({ children }) => [where, children[2]?.name ?? ''] as const),
      );
      expect(asked.length).toBeGreaterThan(400);
      expect(asked.filter(([, member]) => !written.has(member))).toStrictEqual([]);
    });

    it('are those of the .kql files, each of which is used', async () => {
      const deployed = [...workbook.tiles.map(({ query }) => query), ...queries.values()];
      const paths = await Array.fromAsync(glob('infra/**/*.kql', { cwd: root }));
      expect(paths.length).toBeGreaterThan(20);
      for (const path of paths) {
        const text = await readFile(join(root, path), 'utf8');
        expect(
          deployed.some((query) => query.includes(text)),
          path,
        ).toBe(true);
      }
    });

    it('refer to no parameter that the workbook does not have', () => {
      for (const { name, query } of workbook.tiles) {
        const named = Array.from(query.matchAll(/\{(\w+)(?::\w+)?\}/g), ([, parameter = '']) => parameter);
        expect(
          named.filter((parameter) => !PARAMETERS.includes(parameter)),
          name,
        ).toStrictEqual([]);
      }
    });
  });

  const columnsOf = (tile: string) => {
    const analysis = analyses.get(`tile ${tile}`);
    return analysis === undefined ? [] : resultOf(analysis);
  };

  describe('workbook', () => {
    it('is one document beside the log it reads, with a name made of nothing but the environment', () => {
      const [workspace] = ofType(expansion, 'Microsoft.OperationalInsights/workspaces');
      expect(workbook.resource).toMatchObject({
        name: expect.stringMatching(/^[0-9a-f-]{36}$/),
        kind: 'shared',
        tags: { 'hidden-title': 'Bedrock proxy' },
        properties: { displayName: 'Bedrock proxy', category: 'workbook', sourceId: workspace?.id },
      });
      expect(JSON.parse(workbook.json)).toMatchObject({
        version: 'Notebook/1.0',
        fallbackResourceIds: [workspace?.id],
      });
      // Text, queries, parameters.
      expect(new Set(workbook.items.map(({ type }) => type))).toStrictEqual(new Set([1, 3, 9]));
      expect(workbook.json.length).toBeLessThan(200_000);
    });

    it('shows all there is to show', () => {
      expect(workbook.items.map(({ name }) => name)).toStrictEqual(PAGE.trim().split(/\s+/));
      expect(workbook.parameters.map(({ name }) => name)).toStrictEqual(PARAMETERS);
      expect(new Set(workbook.parameters.map(({ id }) => id)).size).toBe(PARAMETERS.length);
    });

    it('asks the chosen workspaces, in the chosen time', () => {
      for (const { name, content } of workbook.tiles.filter((tile) => tile.name !== 'Workspaces')) {
        expect(content, name).toMatchObject({
          queryType: 0,
          resourceType: 'microsoft.operationalinsights/workspaces',
          crossComponentResources: ['{Workspaces}'],
          timeContextFromParameter: 'TimeRange',
        });
      }
    });

    it('lets the reader choose: several values, quoted, or all of them', async () => {
      const several = { isRequired: true, multiSelect: true, quote: "'", delimiter: ',' };
      const choice = {
        ...several,
        type: 2,
        defaultValue: 'value::all',
        typeSettings: { selectAllValue: '*', additionalResourceOptions: ['value::all'] },
      };
      expect(workbook.parameters).toMatchObject([
        { type: 4, isRequired: true, value: { durationMs: 604_800_000 } },
        { ...several, type: 5, value: [at(workbook.resource, 'properties', 'sourceId')] },
        choice,
        choice,
        {
          type: 1,
          value: await readFile(join(root, 'infra/prices.csv'), 'utf8'),
          typeSettings: { multiLineText: true },
        },
      ]);
    });

    it('draws columns that the queries return: a time, a series, a number', () => {
      const charts = workbook.tiles.filter(({ content }) => 'chartSettings' in content);
      expect(charts).toHaveLength(6);
      for (const { name, content } of charts) {
        // No other column: a point in time and a series must have one value.
        expect(columnsOf(name), name).toStrictEqual([
          { name: at(content, 'chartSettings', 'xAxis'), type: 'datetime' },
          { name: at(content, 'chartSettings', 'group'), type: 'string' },
          { name: at(content, 'chartSettings', 'yAxis', 0), type: expect.stringMatching(/^(long|real)$/) },
        ]);
      }
    });

    it('labels columns that the queries return', () => {
      const grids = workbook.tiles.filter(({ content }) => 'gridSettings' in content);
      expect(grids.length).toBeGreaterThan(9);
      for (const { name, content } of grids) {
        const columns = columnsOf(name).map((column) => column.name);
        const labels = at(content, 'gridSettings', 'labelSettings') as { columnId: string }[];
        expect(columns, name).toStrictEqual(expect.arrayContaining(labels.map(({ columnId }) => columnId)));
      }
    });

    it('is described in its page, table by table', () => {
      for (const { title } of workbook.tiles.filter(({ name }) => !PARAMETERS.includes(name))) {
        expect(page, title).toContain(`*${title}*`);
      }
    });
  });
});
