import type { Bicep } from '../bicep-compiler.ts';
import { at, expand, type Expansion, ofType, type Resource } from '../expand.ts';

/** A table, chart or drop-down of the deployed workbook. */
export interface Tile {
  readonly name: string;
  /** Of a drop-down, its label. */
  readonly title: string;
  readonly query: string;
  /** As the format of workbooks has it. */
  readonly content: Readonly<Record<string, unknown>>;
}

export interface Workbook {
  readonly resource: Resource;
  /** The document as it is deployed. */
  readonly json: string;
  readonly items: readonly Item[];
  readonly parameters: readonly Readonly<Record<string, unknown>>[];
  /** Whatever has a query, in the order of the page. */
  readonly tiles: readonly Tile[];
}

export interface Item {
  readonly type: number;
  readonly name: string;
  readonly content: Readonly<Record<string, unknown>>;
}

/** What a deployment with somebody to tell would put into Azure. */
export async function expandMonitoring(bicep: Bicep): Promise<Expansion> {
  return expand(bicep, 'new-apim');
}

/** The workbook of the deployment, read as the portal would. @throws SyntaxError when it is no JSON */
export function workbookOf(expansion: Expansion): Workbook {
  const [resource, ...others] = ofType(expansion, 'Microsoft.Insights/workbooks');
  if (resource === undefined || others.length > 0) throw new Error('There must be one workbook.');
  const json = String(at(resource, 'properties', 'serializedData'));
  const items = (JSON.parse(json) as { items: Item[] }).items;
  const parameters = items.flatMap(({ content }) => (content['parameters'] ?? []) as Workbook['parameters']);
  const withQuery = [
    ...parameters.map((content) => ({ name: String(content['name']), title: String(content['label']), content })),
    ...items.map(({ name, content }) => ({ name, title: String(content['title']), content })),
  ].filter(({ content }) => 'query' in content);
  const tiles = withQuery.map(({ name, title, content }) => ({
    name,
    title,
    content,
    query: String(content['query']),
  }));
  return { resource, json, items, parameters, tiles };
}

/** The values of the drop-downs, of the time range's grain and of the price table, for one reader. */
export interface Choices {
  readonly subscriptions?: readonly string[];
  readonly models?: readonly string[];
  readonly grain?: string;
  readonly prices?: string;
}

/** Puts the reader's choices into a query, as the portal does: several values quoted, and * for all of them. */
export function choose(
  query: string,
  { subscriptions = ['*'], models = ['*'], grain = '1h', prices = '' }: Choices = {},
) {
  const quoted = (values: readonly string[]) => values.map((value) => `'${value}'`).join(',');
  return query
    .replaceAll('{Subscriptions}', quoted(subscriptions))
    .replaceAll('{Models}', quoted(models))
    .replaceAll('{TimeRange:grain}', grain)
    .replaceAll('{Prices}', () => prices);
}

/** Queries of the alert rules by name, without the suffix of the environment. */
export function alertsOf(expansion: Expansion): ReadonlyMap<string, Resource> {
  return new Map(
    ofType(expansion, 'Microsoft.Insights/scheduledQueryRules').map((rule) => [rule.name.split('-')[1] ?? '', rule]),
  );
}

/** The criterion of an alert rule. */
export function criterionOf(rule: Resource | undefined): Readonly<Record<string, unknown>> {
  return at(rule, 'properties', 'criteria', 'allOf', 0) as Readonly<Record<string, unknown>>;
}
