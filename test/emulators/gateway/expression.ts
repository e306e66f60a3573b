import { UnsupportedPolicyError } from './errors.ts';
import { parseExpression, type Expression } from './expression-parser.ts';
import { STATICS } from './expression-statics.ts';
import {
  asBoolean,
  asNumber,
  asString,
  describe,
  isNetObject,
  membersOf,
  type NetObject,
  type Value,
} from './expression-values.ts';

/** Evaluates an expression for one request; `context` is the implicit variable of that name. */
export type Evaluate = (context: NetObject) => Value;

type Scope = ReadonlyMap<string, Value>;

/** Key of the value before a `?.`; no name in an expression can be spelt so. */
const RECEIVER = '?.';

/**
 * Compiles one C# expression.
 *
 * @throws UnsupportedPolicyError for what the emulator does not know: here for syntax, later for types and members
 */
export function compileExpression(source: string): Evaluate {
  const expression = parseExpression(source);
  return (context) => evaluate(expression, new Map([['context', context]]));
}

function evaluate(expression: Expression, scope: Scope): Value {
  switch (expression.kind) {
    case 'literal':
      return expression.value;
    case 'name':
      return variable(expression.name, scope);
    case 'receiver':
      return variable(RECEIVER, scope);
    case 'member':
      return property(evaluate(expression.object, scope), expression.name);
    case 'index':
      return item(evaluate(expression.object, scope), evaluate(expression.key, scope));
    case 'call':
      return call(expression, scope);
    case 'conditionalAccess': {
      const target = evaluate(expression.target, scope);
      return target === null ? null : evaluate(expression.access, new Map([...scope, [RECEIVER, target]]));
    }
    case 'cast':
      return cast(expression.type, evaluate(expression.operand, scope));
    case 'not':
      return !asBoolean(evaluate(expression.operand, scope));
    case 'binary':
      return binary(expression.operator, evaluate(expression.left, scope), () => evaluate(expression.right, scope));
    case 'choice':
      return evaluate(asBoolean(evaluate(expression.condition, scope)) ? expression.yes : expression.no, scope);
    case 'lambda':
      return (argument) => evaluate(expression.body, new Map([...scope, [expression.parameter, argument]]));
  }
}

function variable(name: string, scope: Scope): Value {
  const value = scope.get(name);
  if (value === undefined) throw new UnsupportedPolicyError(`name ${name} is not known`);
  return value;
}

function property(value: Value, name: string): Value {
  const { typeName, properties = {} } = membersOf(value);
  const read = Object.hasOwn(properties, name) ? properties[name] : undefined;
  if (read === undefined) throw new UnsupportedPolicyError(`property ${typeName}.${name} is not known`);
  return read();
}

function item(value: Value, key: Value): Value {
  const { typeName, item: read } = membersOf(value);
  if (read === undefined) throw new UnsupportedPolicyError(`an indexer of ${typeName} is not known`);
  return read(key);
}

function call(expression: Expression & { kind: 'call' }, scope: Scope): Value {
  const args = expression.args.map((arg) => evaluate(arg, scope));
  const type = typeNameOf(expression.object, scope);
  const { typeName, methods = {} } =
    type === undefined
      ? membersOf(evaluate(expression.object, scope))
      : { typeName: type, methods: STATICS[type] ?? {} };
  const method = Object.hasOwn(methods, expression.name) ? methods[expression.name] : undefined;
  if (method === undefined) throw new UnsupportedPolicyError(`method ${typeName}.${expression.name} is not known`);
  return method(...args);
}

/** The name of a type, if that is what the expression is: names and dots that do not begin with a variable. */
function typeNameOf(expression: Expression, scope: Scope): string | undefined {
  if (expression.kind === 'name') return scope.has(expression.name) ? undefined : expression.name;
  if (expression.kind !== 'member') return undefined;
  const outer = typeNameOf(expression.object, scope);
  return outer === undefined ? undefined : `${outer}.${expression.name}`;
}

const CASTS: Readonly<Record<string, string>> = { string: 'string', int: 'number', bool: 'boolean' };

function cast(type: string, value: Value): Value {
  if (value === null && type === 'string') return null;
  if (typeof value !== CASTS[type]) throw new UnsupportedPolicyError(`${describe(value)} cannot be cast to ${type}`);
  return value;
}

function binary(operator: string, left: Value, right: () => Value): Value {
  switch (operator) {
    case '&&':
      return asBoolean(left) && asBoolean(right());
    case '||':
      return asBoolean(left) || asBoolean(right());
    case '??':
      return left ?? right();
    case '==':
      return areEqual(left, right());
    case '!=':
      return !areEqual(left, right());
    case '+':
      return typeof left === 'number' ? left + asNumber(right()) : asString(left) + asString(right());
    case '>':
      return asNumber(left) > asNumber(right());
    case '<':
      return asNumber(left) < asNumber(right());
    case '>=':
      return asNumber(left) >= asNumber(right());
    case '<=':
      return asNumber(left) <= asNumber(right());
    default:
      throw new UnsupportedPolicyError(`operator ${operator} is not known`);
  }
}

/** Equality of values; an object is compared only with null, and values of two types do not compile in C#. */
function areEqual(left: Value, right: Value): boolean {
  if (left === null || right === null) return left === right;
  if (typeof left !== typeof right || isNetObject(left) || typeof left === 'object' || typeof left === 'function') {
    throw new UnsupportedPolicyError(`${describe(left)} cannot be compared with ${describe(right)}`);
  }
  return left === right;
}
