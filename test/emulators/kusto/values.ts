/**
 * A value of a query. Times are milliseconds (since 1970 for `datetime`), the whole numbers doubles; null is every
 * type's null but that of strings, which have none.
 */
export type Value = string | number | boolean | null | readonly unknown[] | Readonly<Record<string, unknown>>;

export type Row = Readonly<Record<string, Value>>;

/** From year 1, which times are rounded from, to 1970. */
const YEAR_ONE_MS = 62_135_596_800_000;

/** `bin()`: rounds down to a multiple of `size`. */
export function bin(value: Value, size: Value, type: string): Value {
  if (typeof value !== 'number' || typeof size !== 'number' || size <= 0) return null;
  const zero = type === 'datetime' ? -YEAR_ONE_MS : 0;
  return Math.floor((value - zero) / size) * size + zero;
}

/**
 * What `==` finds: two nulls are neither equal nor unequal, and null is not equal to anything else (Microsoft Learn,
 * "Null values").
 */
export function equal(left: Value, right: Value): boolean | null {
  if (left === null && right === null) return null;
  return left === right;
}

/** A number below, at or above zero; null where one of them is null. */
export function compare(left: Value, right: Value): number | null {
  if (left === null || right === null) return null;
  if (typeof left === 'number' && typeof right === 'number') return left - right;
  if (typeof left === 'string' && typeof right === 'string') return left < right ? -1 : Number(left > right);
  if (typeof left === 'boolean' && typeof right === 'boolean') return Number(left) - Number(right);
  throw new Error(`${JSON.stringify(left)} and ${JSON.stringify(right)} have no order.`);
}

/** True for null, and for the empty string, as `isempty()` has it. */
export function isEmptyValue(value: Value): boolean {
  return value === null || value === '';
}

/** `tostring()`. */
export function toText(value: Value): string {
  if (value === null) return '';
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}

/** `toreal()`: null for what is no number. */
export function toNumber(value: Value): number | null {
  if (typeof value === 'number') return value;
  if (typeof value === 'boolean') return Number(value);
  if (typeof value !== 'string' || value.trim() === '') return null;
  const number = Number(value);
  return Number.isNaN(number) ? null : number;
}

/** `tolong()` and `toint()`. */
export function toWhole(value: Value): number | null {
  const number = toNumber(value);
  return number === null ? null : Math.trunc(number);
}

/** `tobool()`. */
export function toBoolean(value: Value): boolean | null {
  if (typeof value === 'boolean') return value;
  if (typeof value === 'number') return value !== 0;
  if (value === 'true' || value === 'false') return value === 'true';
  return null;
}

/** Turns the value into one of the type; what is not possible becomes null. */
export function cast(value: Value, type: string): Value {
  switch (type) {
    case 'string':
      return toText(value);
    case 'long':
    case 'int':
      return toWhole(value);
    case 'real':
      return toNumber(value);
    case 'bool':
      return toBoolean(value);
    case 'dynamic':
      return value;
    default:
      throw new Error(`No conversion to ${type} here.`);
  }
}

/** A member of a `dynamic`; null where there is none. */
export function memberOf(value: Value, name: string): Value {
  if (typeof value !== 'object' || value === null || Array.isArray(value) || !Object.hasOwn(value, name)) return null;
  return (value as Readonly<Record<string, Value>>)[name] ?? null;
}
