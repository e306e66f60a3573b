import type { Syntax } from './language.ts';
import { UnknownSyntax } from './syntax.ts';
import { compare, equal, toText, type Value } from './values.ts';

type Binary = (left: Value, right: Value, node: Syntax) => Value;

const arithmetic =
  (compute: (left: number, right: number, node: Syntax) => number): Binary =>
  (left, right, node) =>
    typeof left === 'number' && typeof right === 'number' ? compute(left, right, node) : null;

const ordered =
  (test: (order: number) => boolean): Binary =>
  (left, right) => {
    const order = compare(left, right);
    return order === null ? null : test(order);
  };

/** Without regard to case, as the operators whose names do not end in `_cs`. */
const textual =
  (test: (left: string, right: string) => boolean): Binary =>
  (left, right) =>
    test(toText(left).toLowerCase(), toText(right).toLowerCase());

const negated =
  (test: Binary): Binary =>
  (left, right, node) => {
    const result = test(left, right, node);
    return typeof result === 'boolean' ? !result : null;
  };

const sameText = textual((left, right) => left === right);
const startsWith = textual((left, right) => left.startsWith(right));
const endsWith = textual((left, right) => left.endsWith(right));
/** As a term, or several: with neither a letter nor a digit before or after it, which is how the index of terms is made. */
const has = textual((left, right) => {
  const escaped = right.replaceAll(/[\^$.*+?()[\]{}|\\/-]/g, String.raw`\$&`);
  return new RegExp(String.raw`(?<![\p{L}\p{N}])${escaped}(?![\p{L}\p{N}])`, 'u').test(left);
});
const contains = textual((left, right) => left.includes(right));

/** Operators between two values, by the kind of their node. `and`, `or` and `in` stand with the expressions. */
export const BINARY_OPERATORS: Readonly<Record<string, Binary>> = {
  AddExpression: arithmetic((left, right) => left + right),
  SubtractExpression: arithmetic((left, right) => left - right),
  MultiplyExpression: arithmetic((left, right) => left * right),
  // Whole numbers give a whole one, the trap of every percentage.
  DivideExpression: arithmetic((left, right, node) => {
    if (right === 0) throw new UnknownSyntax('A division by zero', node);
    return node.type === 'real' ? left / right : Math.trunc(left / right);
  }),
  EqualExpression: equal,
  // Null differs from everything but null, which it neither equals nor differs from.
  NotEqualExpression: negated(equal),
  EqualTildeExpression: sameText,
  BangTildeExpression: negated(sameText),
  LessThanExpression: ordered((order) => order < 0),
  LessThanOrEqualExpression: ordered((order) => order <= 0),
  GreaterThanExpression: ordered((order) => order > 0),
  GreaterThanOrEqualExpression: ordered((order) => order >= 0),
  StartsWithExpression: startsWith,
  NotStartsWithExpression: negated(startsWith),
  EndsWithExpression: endsWith,
  NotEndsWithExpression: negated(endsWith),
  ContainsExpression: contains,
  NotContainsExpression: negated(contains),
  HasExpression: has,
  NotHasExpression: negated(has),
};
