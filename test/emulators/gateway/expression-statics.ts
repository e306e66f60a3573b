import { ExpressionError, UnsupportedPolicyError } from './errors.ts';
import { asNumber, asString, type Method, type NetObject, type Value } from './expression-values.ts';

const INT32_MAX = 2_147_483_647;

/**
 * Static methods by type, in the spellings that policies use. All are on the list of .NET types that API Management
 * allows ("API Management policy expressions").
 */
export const STATICS: Readonly<Record<string, Readonly<Record<string, Method>>>> = {
  string: { IsNullOrEmpty: (value) => value === null || asString(value) === '' },
  int: { Parse: (text) => parseInteger(text, INT32_MAX) },
  long: { Parse: (text) => parseInteger(text, Number.MAX_SAFE_INTEGER) },
  Regex: {
    IsMatch: (input, pattern) => regex(asString(pattern)).test(asString(input)),
    Match: (input, pattern) => match(regex(asString(pattern)).exec(asString(input)) ?? []),
  },
  'System.Uri': {
    EscapeDataString: (text) => escapeDataString(asString(text)),
    UnescapeDataString: (text) => unescapeDataString(asString(text)),
  },
  'Newtonsoft.Json.JsonConvert': {
    SerializeObject: (value) => JSON.stringify(value === null ? null : asString(value)),
  },
};

function parseInteger(text: Value | undefined, maximum: number): number {
  const digits = asString(text).trim();
  const value = Number(digits);
  if (!/^[+-]?\d+$/.test(digits) || Math.abs(value) > maximum) {
    throw new ExpressionError('Input string was not in a correct format.');
  }
  return value;
}

/** A pattern that .NET and ECMAScript read alike. */
function regex(pattern: string): RegExp {
  if (/\(\?|\\[^\\./[\]()|^$?*+{}]/.test(pattern)) {
    throw new UnsupportedPolicyError(`pattern ${pattern} may mean something else in .NET`);
  }
  return new RegExp(pattern);
}

/** `Match` with its groups; of one that is not there, and of no match at all, the value is empty. */
function match(groups: readonly (string | undefined)[]): NetObject {
  const group = (value: string): NetObject => ({ typeName: 'Group', properties: { Value: () => value } });
  return {
    typeName: 'Match',
    properties: {
      Groups: () => ({ typeName: 'GroupCollection', item: (index) => group(groups[asNumber(index)] ?? '') }),
    },
  };
}

/** RFC 3986: all but the unreserved characters, which `encodeURIComponent` takes to be five more. */
function escapeDataString(text: string): string {
  return encodeURIComponent(text.toWellFormed()).replaceAll(
    /[!'()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}

/** Escapes that may be one character of UTF-8. */
const ESCAPED_CHARACTER =
  /%[0-7][0-9a-f]|%[cd][0-9a-f]%[89ab][0-9a-f]|%e[0-9a-f](?:%[89ab][0-9a-f]){2}|%f[0-4](?:%[89ab][0-9a-f]){3}/gi;

/** Unlike `decodeURIComponent` it leaves alone what is no valid escape. */
function unescapeDataString(text: string): string {
  return text.replaceAll(ESCAPED_CHARACTER, (escapes) => {
    try {
      return decodeURIComponent(escapes);
    } catch {
      return escapes;
    }
  });
}
