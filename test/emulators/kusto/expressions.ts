import { BINARY_OPERATORS } from './binary-operators.ts';
import type { Syntax } from './language.ts';
import { type Clock, SCALAR_FUNCTIONS } from './scalar-functions.ts';
import { argumentsOf, childAt, childOf, UnknownSyntax } from './syntax.ts';
import { equal, memberOf, type Row, type Value } from './values.ts';

/** A function that the query itself defines. */
export interface QueryFunction {
  readonly parameters: readonly string[];
  readonly body: Syntax;
}

/** What names mean besides columns. */
export interface Scope extends Clock {
  readonly values: ReadonlyMap<string, Value>;
  readonly functions: ReadonlyMap<string, QueryFunction>;
}

/** The value of a scalar expression for one row. */
export function evaluate(node: Syntax, row: Row, scope: Scope): Value {
  const [left, operator, right] = node.children;
  const operand = (index: number) => evaluate(childAt(node, index), row, scope);
  const special = SPECIAL[node.kind];
  if (special !== undefined) return special(node, row, scope);
  const binary = BINARY_OPERATORS[node.kind];
  if (binary !== undefined && left !== undefined && operator !== undefined && right !== undefined) {
    return binary(operand(0), operand(2), node);
  }
  if (node.kind.endsWith('LiteralExpression')) return node.literal as Value;
  throw new UnknownSyntax(node.kind, node);
}

/** A predicate: what is null does not hold. */
export function holds(node: Syntax, row: Row, scope: Scope): boolean {
  return evaluate(node, row, scope) === true;
}

const SPECIAL: Readonly<Record<string, (node: Syntax, row: Row, scope: Scope) => Value>> = {
  NameReference: (node, row, { values }) => {
    const name = node.name ?? '';
    if (Object.hasOwn(row, name)) return row[name] ?? null;
    const value = values.get(name);
    if (value === undefined) throw new UnknownSyntax(`The name ${name}`, node);
    return value;
  },
  ParenthesizedExpression: (node, row, scope) => evaluate(childAt(node, 1), row, scope),
  PathExpression: (node, row, scope) => memberOf(evaluate(childAt(node, 0), row, scope), childAt(node, 2).name ?? ''),
  ElementExpression: (node, row, scope) => {
    const value = evaluate(childAt(node, 0), row, scope);
    const key = evaluate(childAt(childAt(node, 1), 1), row, scope);
    if (typeof key === 'string') return memberOf(value, key);
    return Array.isArray(value) ? ((value as Value[])[Number(key)] ?? null) : null;
  },
  UnaryMinusExpression: (node, row, scope) => {
    const value = evaluate(childAt(node, 1), row, scope);
    return typeof value === 'number' ? -value : null;
  },
  AndExpression: (node, row, scope) => both(node, row, scope, false),
  OrExpression: (node, row, scope) => both(node, row, scope, true),
  InExpression: isIn,
  NotInExpression: (node, row, scope) => !isIn(node, row, scope),
  FunctionCallExpression: call,
};

/** `and`, `or`: decided by one operand that is `decisive`, unknown as long as one is null. */
function both(node: Syntax, row: Row, scope: Scope, decisive: boolean): Value {
  const left = evaluate(childAt(node, 0), row, scope);
  const right = evaluate(childAt(node, 2), row, scope);
  if (left === decisive || right === decisive) return decisive;
  return left === null || right === null ? null : !decisive;
}

function isIn(node: Syntax, row: Row, scope: Scope): boolean {
  const value = evaluate(childAt(node, 0), row, scope);
  const list = childOf(childAt(node, 2), 'List').children;
  return list.some((element) => equal(value, evaluate(element, row, scope)) === true);
}

function call(node: Syntax, row: Row, scope: Scope): Value {
  const name = childAt(node, 0).name ?? '';
  const nodes = argumentsOf(node);
  if (name === 'iff' || name === 'iif' || name === 'case') {
    const chosen = nodes.findIndex(
      (argument, index) => index === nodes.length - 1 || (index % 2 === 0 && holds(argument, row, scope)),
    );
    return evaluate(nodes[Math.min(chosen + 1, nodes.length - 1)] ?? node, row, scope);
  }
  const values = nodes.map((argument) => evaluate(argument, row, scope));
  const own = scope.functions.get(name);
  if (own !== undefined) {
    const inner = new Map(scope.values);
    for (const [index, parameter] of own.parameters.entries()) inner.set(parameter, values[index] ?? null);
    return evaluate(own.body, {}, { ...scope, values: inner });
  }
  const known = SCALAR_FUNCTIONS[name];
  if (known === undefined) throw new UnknownSyntax(`The function ${name}`, node);
  return known(values, node.type, scope);
}
