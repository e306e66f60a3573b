import { member } from '../../../src/json/member.ts';

/** JSON as Azure's APIs give it. */
export type Json = Readonly<Record<string, unknown>>;

/** The text at the end of the path; empty where there is none. */
export function text(value: unknown, ...path: readonly string[]): string {
  const found = member(value, ...path);
  return typeof found === 'string' ? found : '';
}

export function number(value: unknown, ...path: readonly string[]): number | undefined {
  const found = member(value, ...path);
  return typeof found === 'number' ? found : undefined;
}

/** The elements of the list at the end of the path; none where there is no list. */
export function list(value: unknown, ...path: readonly string[]): readonly unknown[] {
  const found = member(value, ...path);
  return Array.isArray(found) ? found : [];
}

/** The members of the object at the end of the path. */
export function members(
  value: unknown,
  ...path: readonly string[]
): readonly (readonly [name: string, value: unknown])[] {
  const found = member(value, ...path);
  return typeof found === 'object' && found !== null ? Object.entries(found) : [];
}

/** Resource ids, names of types and regions are the same in any case of letters. */
export function same(a: string, b: string): boolean {
  return a.toLowerCase() === b.toLowerCase();
}
