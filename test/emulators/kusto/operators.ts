import { aggregate } from './aggregates.ts';
import { evaluate, holds, type Scope } from './expressions.ts';
import { join } from './join.ts';
import type { Column, Syntax } from './language.ts';
import { childAt, childOf, UnknownSyntax } from './syntax.ts';
import { cast, compare, type Row, type Value } from './values.ts';

export interface Table {
  readonly columns: readonly Column[];
  readonly rows: readonly Row[];
}

/** Evaluates the table that an operator takes besides its input. */
export type ReadTable = (node: Syntax) => Table;

/** Applies one operator of a pipe; its analysis knows the columns that it makes. */
export function apply(operator: Syntax, input: Table, scope: Scope, readTable: ReadTable): Table {
  const known = OPERATORS[operator.kind];
  if (known === undefined) throw new UnknownSyntax(operator.kind, operator);
  const columns = operator.columns ?? input.columns;
  return { columns, rows: known({ operator, input, columns, scope, readTable }) };
}

/** The row of `print`. */
export function print(operator: Syntax, scope: Scope): Table {
  const columns = operator.columns ?? [];
  return { columns, rows: [compute(elementsOf(operator), columns, {}, scope)] };
}

interface Application {
  readonly operator: Syntax;
  readonly input: Table;
  /** Of the result. */
  readonly columns: readonly Column[];
  readonly scope: Scope;
  readonly readTable: ReadTable;
}

const OPERATORS: Readonly<Record<string, (application: Application) => readonly Row[]>> = {
  FilterOperator({ operator, input, scope }) {
    const predicate = childAt(operator, 2);
    return input.rows.filter((row) => holds(predicate, row, scope));
  },
  ProjectOperator({ operator, input, columns, scope }) {
    return input.rows.map((row) => compute(elementsOf(operator), columns, row, scope));
  },
  ExtendOperator({ operator, input, scope }) {
    return input.rows.map((row) => {
      const extended: Record<string, Value> = { ...row };
      for (const element of elementsOf(operator)) {
        if (element.kind !== 'SimpleNamedExpression') throw new UnknownSyntax('extend without a name', element);
        // Each of them sees the row as it was before.
        extended[childAt(element, 0).name ?? ''] = evaluate(childAt(element, 2), row, scope);
      }
      return extended;
    });
  },
  // The columns of the result say which are left.
  ProjectAwayOperator: ({ input }) => input.rows,
  SummarizeOperator: summarize,
  DistinctOperator({ operator, input, columns, scope }) {
    const rows = input.rows.map((row) => compute(elementsOf(operator), columns, row, scope));
    return [...groupsOf(rows, (row) => Object.values(row)).values()].flatMap((group) => group.slice(0, 1));
  },
  SortOperator({ operator, input, scope }) {
    return sort(input.rows, elementsOf(operator), scope);
  },
  TopOperator({ operator, input, scope }) {
    const length = Number(evaluate(childAt(operator, 2), {}, scope));
    return sort(input.rows, [childAt(operator, 4)], scope).slice(0, length);
  },
  MvExpandOperator({ operator, input, scope }) {
    const [element, ...others] = elementsOf(operator);
    const name = element && childAt(element, 0);
    if (name?.kind !== 'NameReference' || others.length > 0) throw new UnknownSyntax('mv-expand of this', operator);
    const type = element?.type ?? 'dynamic';
    return input.rows.flatMap((row) => {
      const values = evaluate(name, row, scope);
      if (!Array.isArray(values) || values.length === 0) throw new UnknownSyntax('mv-expand of no array', name);
      return (values as Value[]).map((value) => Object.assign({}, row, { [name.name ?? '']: cast(value, type) }));
    });
  },
  JoinOperator: ({ operator, input, columns, readTable }) => join(operator, input, columns, readTable),
  LookupOperator: ({ operator, input, columns, readTable }) => join(operator, input, columns, readTable),
};

/** The expressions of an operator: those of its last list. */
function elementsOf(operator: Syntax): readonly Syntax[] {
  return operator.children.findLast(({ kind }) => kind === 'List')?.children ?? [];
}

/** A row of the columns, one for each expression, named or not. */
function compute(elements: readonly Syntax[], columns: readonly Column[], row: Row, scope: Scope): Row {
  if (elements.length !== columns.length) throw new Error('An expression for each column is expected.');
  return Object.fromEntries(
    elements.map((element, index) => [columns[index]?.name ?? '', evaluate(valueOf(element), row, scope)]),
  );
}

/** The expression behind a name. */
function valueOf(element: Syntax): Syntax {
  return element.kind === 'SimpleNamedExpression' ? childAt(element, 2) : element;
}

function summarize({ operator, input, columns, scope }: Application): readonly Row[] {
  const by = operator.children.find(({ kind }) => kind === 'SummarizeByClause');
  const keys = by === undefined ? [] : childOf(by, 'List').children.map(valueOf);
  const aggregates = elementsOf(operator).map(valueOf);
  const groups = groupsOf(input.rows, (row) => keys.map((key) => evaluate(key, row, scope)));
  // Without keys there is one group, of an empty table too.
  if (keys.length === 0 && groups.size === 0) groups.set('', []);
  return [...groups.values()].map((rows) => {
    const values = [
      ...keys.map((key) => evaluate(key, rows[0] ?? {}, scope)),
      ...aggregates.flatMap((call) => aggregate(call, rows, scope)),
    ];
    if (values.length !== columns.length) throw new Error('A value for each column is expected.');
    return Object.fromEntries(columns.map(({ name }, index) => [name, values[index] ?? null]));
  });
}

function groupsOf(rows: readonly Row[], keysOf: (row: Row) => readonly unknown[]): Map<string, Row[]> {
  const groups = new Map<string, Row[]>();
  for (const row of rows) {
    const key = JSON.stringify(keysOf(row));
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [row]);
    else group.push(row);
  }
  return groups;
}

/** Descending where nothing is said; nulls come first in ascending order and last in descending order. */
function sort(rows: readonly Row[], orderings: readonly Syntax[], scope: Scope): Row[] {
  const orders = orderings.map((ordering) => {
    if (ordering.kind !== 'OrderedExpression') return { node: ordering, sign: -1 };
    const clause = childOf(ordering, 'OrderingClause').children;
    if (clause.some(({ kind }) => kind === 'OrderingNullsClause')) throw new UnknownSyntax('nulls', ordering);
    return { node: childAt(ordering, 0), sign: clause.some(({ kind }) => kind === 'AscKeyword') ? 1 : -1 };
  });
  return rows.toSorted((one, other) => {
    for (const { node, sign } of orders) {
      const order = sign * orderOf(evaluate(node, one, scope), evaluate(node, other, scope));
      if (order !== 0) return order;
    }
    return 0;
  });
}

function orderOf(one: Value, other: Value): number {
  if (one === null || other === null) return Number(one !== null) - Number(other !== null);
  return Number(compare(one, other));
}
