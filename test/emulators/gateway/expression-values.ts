import { ExpressionError, UnsupportedPolicyError } from './errors.ts';

/** A value of an expression. A C# `char` is its number, as in comparisons with one. */
export type Value = null | string | number | boolean | readonly Value[] | Lambda | NetObject;

export type Lambda = (argument: Value) => Value;
export type Method = (...args: readonly Value[]) => Value;

/** An object of .NET or of API Management with the members that expressions may use. */
export interface NetObject {
  readonly typeName: string;
  /** Read when they are asked for. */
  readonly properties?: Readonly<Record<string, () => Value>>;
  readonly methods?: Readonly<Record<string, Method>>;
  /** The indexer. */
  readonly item?: (key: Value) => Value;
}

export function isNetObject(value: Value): value is NetObject {
  return typeof value === 'object' && value !== null && 'typeName' in value;
}

/** @throws UnsupportedPolicyError when the value is of another type: the expression would not compile */
export function asString(value: Value | undefined): string {
  if (typeof value !== 'string') throw new UnsupportedPolicyError(`a string expected, not ${describe(value)}`);
  return value;
}

/** @throws UnsupportedPolicyError when the value is of another type: the expression would not compile */
export function asNumber(value: Value | undefined): number {
  if (typeof value !== 'number') throw new UnsupportedPolicyError(`a number expected, not ${describe(value)}`);
  return value;
}

/** @throws UnsupportedPolicyError when the value is of another type: the expression would not compile */
export function asBoolean(value: Value | undefined): boolean {
  if (typeof value !== 'boolean') throw new UnsupportedPolicyError(`a bool expected, not ${describe(value)}`);
  return value;
}

function asLambda(value: Value | undefined): Lambda {
  if (typeof value !== 'function') throw new UnsupportedPolicyError(`a lambda expected, not ${describe(value)}`);
  return value;
}

/** A value's type, for messages; never its content. */
export function describe(value: Value | undefined): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'an array';
  if (value !== undefined && isNetObject(value)) return value.typeName;
  return typeof value;
}

/** `System.Linq.Enumerable.Any` over a sequence. */
export function any(items: readonly Value[]): Method {
  return (predicate) => items.some((item) => asBoolean(asLambda(predicate)(item)));
}

/**
 * The value as an object with members.
 *
 * @throws ExpressionError for null, as .NET does
 */
export function membersOf(value: Value): NetObject {
  if (value === null) throw new ExpressionError('Object reference not set to an instance of an object.');
  if (typeof value === 'string') return stringMembers(value);
  if (typeof value === 'number') return { typeName: 'Int32', methods: { ToString: () => String(value) } };
  if (typeof value === 'boolean' || typeof value === 'function') return { typeName: typeof value };
  return isNetObject(value) ? value : { typeName: 'Array', methods: { Any: any(value) } };
}

function stringMembers(text: string): NetObject {
  return {
    typeName: 'String',
    methods: {
      Any: (predicate) =>
        any(Array.from({ length: text.length }, (_, index) => text.charCodeAt(index)))(predicate ?? null),
      EndsWith: (ending) => text.endsWith(asString(ending)),
      StartsWith: (prefix) => text.startsWith(asString(prefix)),
      ToLowerInvariant: () => text.toLowerCase(),
    },
  };
}
