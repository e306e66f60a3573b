import { bin, cast, isEmptyValue, toNumber, toText, toWhole, toBoolean, type Value } from './values.ts';

export interface Clock {
  /** Milliseconds since 1970. */
  readonly now: number;
}

/** @param type scalar type of the result, as the analysis has found it */
type ScalarFunction = (values: readonly Value[], type: string, clock: Clock) => Value;

/** The functions that are known here, by name. `iff`, `iif` and `case` stand with the expressions: they choose what is evaluated. */
export const SCALAR_FUNCTIONS: Readonly<Record<string, ScalarFunction>> = {
  ago: ([span], _type, { now }) => (typeof span === 'number' ? now - span : null),
  array_length: ([array]) => (Array.isArray(array) ? array.length : null),
  bin: ([value = null, size = null], type) => bin(value, size, type),
  coalesce: (values) => values.find((value) => !isEmptyValue(value)) ?? values.at(-1) ?? null,
  datetime_add: ([part, amount, time]) => {
    if (typeof time !== 'number' || typeof amount !== 'number') return null;
    return time + amount * (SPANS[toText(part ?? null)] ?? unknownPart(part));
  },
  // By the boundaries between two times, as the engine counts: from 23:59 to 00:01 a day has passed.
  datetime_diff: ([part, later, earlier]) => {
    if (typeof later !== 'number' || typeof earlier !== 'number') return null;
    const span = SPANS[toText(part ?? null)] ?? unknownPart(part);
    return Math.floor(later / span) - Math.floor(earlier / span);
  },
  extract: ([regex, group, text]) => {
    const found = expression(regex, '').exec(toText(text ?? null));
    return found?.[Number(group)] ?? '';
  },
  isempty: ([value = null]) => isEmptyValue(value),
  isnotempty: ([value = null]) => !isEmptyValue(value),
  isnotnull: ([value = null]) => value !== null,
  isnull: ([value = null]) => value === null,
  not: ([value]) => (typeof value === 'boolean' ? !value : null),
  now: (_values, _type, { now }) => now,
  parse_json: ([text = null]) => parseJson(text),
  replace_regex: ([text, regex, rewrite]) =>
    toText(text ?? null).replace(expression(regex, 'g'), toText(rewrite ?? null).replaceAll(/\\(\d)/g, '$$$1')),
  round: ([value, digits]) => {
    if (typeof value !== 'number') return null;
    const scale = 10 ** Number(digits ?? 0);
    return Math.round(value * scale) / scale;
  },
  split: ([text, delimiter]) => toText(text ?? null).split(toText(delimiter ?? null)),
  sqrt: ([value]) => (typeof value === 'number' && value >= 0 ? Math.sqrt(value) : null),
  startofmonth: ([time]) => {
    if (typeof time !== 'number') return null;
    const date = new Date(time);
    return Date.UTC(date.getUTCFullYear(), date.getUTCMonth());
  },
  strcat: (values) => values.map(toText).join(''),
  strlen: ([text]) => Array.from(toText(text ?? null)).length,
  tolower: ([text]) => toText(text ?? null).toLowerCase(),
  tobool: ([value = null]) => toBoolean(value),
  todatetime: ([value = null]) => {
    const time = typeof value === 'string' ? Date.parse(value) : value;
    return typeof time === 'number' && !Number.isNaN(time) ? time : null;
  },
  todouble: ([value = null]) => toNumber(value),
  toint: ([value = null]) => toWhole(value),
  tolong: ([value = null]) => toWhole(value),
  toreal: ([value = null]) => toNumber(value),
  tostring: ([value = null]) => cast(value, 'string'),
  trim: ([regex, text]) => trim(toText(text ?? null), regex, { start: true, end: true }),
  trim_end: ([regex, text]) => trim(toText(text ?? null), regex, { start: false, end: true }),
};

/** Milliseconds of the parts that the queries count in. */
const SPANS: Readonly<Record<string, number>> = { minute: 60_000, day: 86_400_000 };

function unknownPart(part: Value | undefined): never {
  throw new Error(`The part ${toText(part ?? null)} of a time is not known here.`);
}

/** RE2, which the engine uses, and JavaScript agree on what the queries use. */
function expression(regex: Value | undefined, flags: string): RegExp {
  return new RegExp(toText(regex ?? null), `u${flags}`);
}

function trim(text: string, regex: Value | undefined, { start, end }: { start: boolean; end: boolean }): string {
  const { source } = expression(regex, '');
  const fromStart = start ? text.replace(new RegExp(`^(?:${source})`, 'u'), '') : text;
  return end ? fromStart.replace(new RegExp(`(?:${source})$`, 'u'), '') : fromStart;
}

/** What is no JSON stays the string that it is. */
function parseJson(text: Value): Value {
  try {
    return JSON.parse(toText(text)) as Value;
  } catch {
    return text;
  }
}
