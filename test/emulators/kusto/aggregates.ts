import { evaluate, holds, type Scope } from './expressions.ts';
import type { Syntax } from './language.ts';
import { argumentsOf, childAt, UnknownSyntax } from './syntax.ts';
import { compare, type Row, type Value } from './values.ts';

/** The values of an aggregation for a group: one, or one for each column that it makes. */
export function aggregate(call: Syntax, rows: readonly Row[], scope: Scope): readonly Value[] {
  if (call.kind !== 'FunctionCallExpression') throw new UnknownSyntax(`${call.kind} in summarize`, call);
  const name = childAt(call, 0).name ?? '';
  const compute = AGGREGATES[name];
  if (compute === undefined) throw new UnknownSyntax(`The aggregation ${name}`, call);
  return compute(argumentsOf(call), rows, scope, call);
}

type Aggregate = (nodes: readonly Syntax[], rows: readonly Row[], scope: Scope, call: Syntax) => readonly Value[];

const AGGREGATES: Readonly<Record<string, Aggregate>> = {
  count: (_nodes, rows) => [rows.length],
  countif: ([predicate], rows, scope, call) => [rowsThat(predicate ?? call, rows, scope).length],
  sum: ([value], rows, scope, call) => [sum(value ?? call, rows, scope)],
  sumif: ([value, predicate], rows, scope, call) => [
    sum(value ?? call, rowsThat(predicate ?? call, rows, scope), scope),
  ],
  max: ([value], rows, scope, call) => [extreme(known(value ?? call, rows, scope), 1)],
  min: ([value], rows, scope, call) => [extreme(known(value ?? call, rows, scope), -1)],
  // An estimate in large tables, exact in small ones.
  dcount: ([value], rows, scope, call) => [new Set(known(value ?? call, rows, scope)).size],
  percentile: ([value, ...percents], rows, scope, call) => percentiles(value ?? call, percents, rows, scope),
  percentiles: ([value, ...percents], rows, scope, call) => percentiles(value ?? call, percents, rows, scope),
  arg_max: ([value, ...others], rows, scope, call) => {
    const greatest = extreme(known(value ?? call, rows, scope), 1);
    const row = rows.find((candidate) => evaluate(value ?? call, candidate, scope) === greatest) ?? {};
    return [value ?? call, ...others].map((node) => evaluate(node, row, scope));
  },
};

function rowsThat(predicate: Syntax, rows: readonly Row[], scope: Scope): readonly Row[] {
  return rows.filter((row) => holds(predicate, row, scope));
}

/** The values that are not null, which no aggregation regards. */
function known(node: Syntax, rows: readonly Row[], scope: Scope): Value[] {
  return rows.map((row) => evaluate(node, row, scope)).filter((value) => value !== null);
}

/**
 * The documentation says that the sum of no rows is 0 and that nulls are left out, but not what the sum of nothing but
 * nulls is: a query must not depend on it.
 */
function sum(node: Syntax, rows: readonly Row[], scope: Scope): number {
  const values = known(node, rows, scope);
  if (values.length === 0 && rows.length > 0) throw new UnknownSyntax('The sum of nothing but nulls', node);
  return values.reduce<number>((total, value) => total + Number(value), 0);
}

function extreme(values: readonly Value[], sign: 1 | -1): Value {
  return values.reduce<Value>(
    (best, value) => (best === null || sign * Number(compare(value, best)) > 0 ? value : best),
    null,
  );
}

/** By the nearest rank, as the engine does for the few values that a test has. */
function percentiles(node: Syntax, percents: readonly Syntax[], rows: readonly Row[], scope: Scope): Value[] {
  const values = known(node, rows, scope).toSorted((one, other) => Number(compare(one, other)));
  return percents.map((percent) => {
    const rank = Math.ceil((Number(evaluate(percent, {}, scope)) / 100) * values.length);
    return values[Math.max(1, rank) - 1] ?? null;
  });
}
