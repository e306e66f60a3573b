import { evaluate, type QueryFunction, type Scope } from './expressions.ts';
import { analyze, type Syntax, type TableSchema } from './language.ts';
import { apply, print, type Table } from './operators.ts';
import { childAt, childOf, UnknownSyntax } from './syntax.ts';
import type { Row, Value } from './values.ts';

export interface Database {
  readonly schema: Readonly<Record<string, TableSchema>>;
  /** Rows by table. */
  readonly rows: Readonly<Record<string, readonly Row[]>>;
  /** What `now()` says. */
  readonly now: Date;
}

/** The names that the statements before have defined. */
interface Names extends Scope {
  readonly values: Map<string, Value>;
  readonly functions: Map<string, QueryFunction>;
  readonly tables: Map<string, Table>;
}

/**
 * Runs a query of the Kusto Query Language as Log Analytics would: parsed and bound by Microsoft's own library, evaluated
 * here for the part of the language that the queries of this project use, by what its documentation says of it.
 *
 * @returns the rows; times as ISO 8601
 * @throws Error with the diagnostics of a query that is wrong; UnknownSyntax for what is not known here
 */
export function runQuery(query: string, { schema, rows, now }: Database): Record<string, unknown>[] {
  const { syntax, diagnostics } = analyze(query, schema);
  if (diagnostics.length > 0) throw new Error(`${diagnostics.join('\n')}\n${query}`);
  const names: Names = { values: new Map(), functions: new Map(), tables: new Map(), now: now.getTime() };
  for (const [name, columns] of Object.entries(schema)) {
    const typed = Object.entries(columns).map(([column, type]) => ({ name: column, type }));
    const whole = (row: Row): Row => Object.fromEntries(typed.map((column) => [column.name, row[column.name] ?? null]));
    names.tables.set(name, { columns: typed, rows: (rows[name] ?? []).map(whole) });
  }
  let result: Table | undefined;
  for (const statement of syntax.children.flatMap(({ kind, children }) => (kind === 'List' ? children : []))) {
    if (statement.kind === 'LetStatement') define(statement, names);
    else if (statement.kind === 'ExpressionStatement') result = readTable(childAt(statement, 0), names);
    else throw new UnknownSyntax(statement.kind, statement);
  }
  if (result === undefined) throw new Error('The query has no result.');
  const { columns } = result;
  return result.rows.map((row) =>
    Object.fromEntries(columns.map(({ name, type }) => [name, shown(row[name] ?? null, type)])),
  );
}

function shown(value: Value, type: string): unknown {
  return type === 'datetime' && typeof value === 'number' ? new Date(value).toISOString() : value;
}

function define(statement: Syntax, names: Names): void {
  const name = childAt(statement, 1).name ?? '';
  const value = childAt(statement, 3);
  if (value.kind === 'FunctionDeclaration') {
    const parameters = childOf(childOf(value, 'FunctionParameters'), 'List').children;
    const body = childOf(value, 'FunctionBody').children.findLast(({ kind }) => kind.endsWith('Expression'));
    if (body === undefined || body.columns !== undefined) throw new UnknownSyntax('A function of this form', value);
    names.functions.set(name, {
      parameters: parameters.map((parameter) => childAt(childAt(parameter, 0), 0).name ?? ''),
      body,
    });
  } else if (value.columns === undefined) names.values.set(name, evaluate(value, {}, names));
  else names.tables.set(name, readTable(value, names));
}

function readTable(node: Syntax, names: Names): Table {
  switch (node.kind) {
    case 'PipeExpression':
      return apply(childAt(node, 2), readTable(childAt(node, 0), names), names, (inner) => readTable(inner, names));
    case 'ParenthesizedExpression':
      return readTable(childAt(node, 1), names);
    case 'PrintOperator':
      return print(node, names);
    case 'DataTableExpression':
      return dataTable(node, names);
    case 'NameReference': {
      const table = names.tables.get(node.name ?? '');
      if (table !== undefined) return table;
    }
  }
  throw new UnknownSyntax(node.kind, node);
}

function dataTable(node: Syntax, names: Names): Table {
  const columns = node.columns ?? [];
  const cells = node.children.findLast(({ kind }) => kind === 'List')?.children ?? [];
  const rows: Row[] = [];
  for (let start = 0; start < cells.length; start += columns.length) {
    const values = columns.map(({ name }, index) => [
      name,
      evaluate(childAt({ ...node, children: cells }, start + index), {}, names),
    ]);
    rows.push(Object.fromEntries(values) as Row);
  }
  return { columns, rows };
}
