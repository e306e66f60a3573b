import { runQuery } from '../../emulators/kusto/query.ts';
import type { Row } from '../../emulators/kusto/values.ts';
import type { Line, Lines } from './lines.ts';
import { SCHEMA } from './schema.ts';

const START = Date.parse('2026-11-20T10:00:00Z');
/** When the queries are asked: six days later, in the same month. */
export const NOW = new Date('2026-11-26T12:00:00Z');

/** A time on the day, by minutes from its start. */
export function at(minute: number): string {
  return new Date(START + minute * 60_000).toISOString();
}

/**
 * A row of AppTraces with a line that the proxy has written. Of what only chance decides, times above all, something else
 * may be told.
 *
 * @throws Error for a member that the line does not have: nothing is made up
 */
export function row(minute: number, line: Line, changes: Line = {}): Row {
  const madeUp = Object.keys(changes).filter((name) => !Object.hasOwn(line, name));
  if (madeUp.length > 0) throw new Error(`The line has no ${madeUp.join(', ')}.`);
  return {
    TimeGenerated: START + minute * 60_000,
    Message: JSON.stringify({ ...line, ...changes }),
    SeverityLevel: 1,
    AppRoleInstance: 'instance-0',
  };
}

/** Two hours of calls: what was complete in the first, what was not in the second. */
export function dayOf(lines: Lines): Row[] {
  return [
    row(0, lines.cached, { durationMs: 1000, headersMs: 900 }),
    row(5, lines.profile, { durationMs: 3000, headersMs: 2500 }),
    row(10, lines.arn, { durationMs: 400, headersMs: 300 }),
    row(20, lines.stream, { durationMs: 2500, headersMs: 300, firstTokenMs: 500, inputTokens: 40, outputTokens: 300 }),
    row(30, lines.stream, { durationMs: 1700, headersMs: 400, firstTokenMs: 700, inputTokens: 40, outputTokens: 300 }),
    row(40, lines.stream, { durationMs: 3600, headersMs: 350, firstTokenMs: 600, inputTokens: 40, outputTokens: 300 }),
    row(50, lines.counted, { durationMs: 20, headersMs: 10 }),
    row(55, lines.health),
    row(60, lines.throttled),
    row(61, lines.throttled),
    row(62, lines.budgeted, { subscriptionId: 'team-b' }),
    row(65, lines.failed, { errorSource: 'proxy', errorType: 'InternalServerException' }),
    row(70, lines.failed),
    row(71, lines.broken),
    row(71, lines.failure),
    row(75, lines.cut),
    row(80, lines.partial, { inputTokens: 18 }),
    row(85, lines.refused),
    row(90, lines.aborted),
    row(95, lines.keysRefused),
    row(95, lines.vaultFailed),
  ];
}

/** What a query finds in the rows of a table, by default of the log. */
export function ask(query: string, rows: readonly Row[], source = 'AppTraces'): Record<string, unknown>[] {
  return runQuery(query, { schema: SCHEMA, rows: { [source]: rows }, now: NOW });
}

/** Rows as they are expected: names of columns, then a list of values for each row. */
export function table(columns: string, ...rows: readonly (readonly unknown[])[]): Record<string, unknown>[] {
  const names = columns.split(' ');
  return rows.map((values) => Object.fromEntries(names.map((name, index) => [name, values[index]])));
}
