import { describe, expect, it } from 'vitest';

import { analyze } from './language.ts';
import { runQuery } from './query.ts';
import { UnknownSyntax } from './syntax.ts';

const T =
  'datatable(k: string, v: long, w: real)["a", 3, 1.5, "b", long(null), real(null), "a", 7, 0.5, "", 2, real(null)]';
const schema = { Log: { Time: 'datetime', Text: 'string' } };
const log = [
  { Time: Date.parse('2026-11-20T10:59:59Z'), Text: '{"id":"x","n":5,"deep":{"list":[1,"two"]},"yes":true}' },
  { Time: Date.parse('2026-11-01T00:00:00Z'), Text: '{"id":"y"}' },
  { Time: Date.parse('2026-10-31T23:59:59Z'), Text: 'no JSON' },
];
const database = { schema, rows: { Log: log }, now: new Date('2026-11-26T12:00:00Z') };
const run = (query: string) => runQuery(query, database);
/** The value of an expression. */
const valueOf = (expression: string) => run(`print value = ${expression}`)[0]?.['value'];

// What stands here is what Microsoft's documentation of the language says of each ("Null values", "Summarize operator",
// "Join operator", the page of each function).
describe('expressions', () => {
  it.each([
    // Null and comparison.
    ['int(null) == int(null)', null],
    ['int(null) == 5', false],
    ['int(null) != 5', true],
    ['int(null) > 3', null],
    ['int(null) > 3 or true', true],
    ['int(null) > 3 and true', null],
    ['int(null) > 3 and false', false],
    ['not(int(null) > 3)', null],
    ['long(null) + 1', null],
    ['iff(int(null) > 3, "then", "else")', 'else'],
    ['coalesce(long(null), 2, 3)', 2],
    ['coalesce("", "b")', 'b'],
    // Arithmetic: whole numbers stay whole.
    ['7 / 2', 3],
    ['-7 / 2', -3],
    ['7 / 2.0', 3.5],
    ['100.0 * 1 / 3 > 33', true],
    ['-(2 + 3) * 2', -10],
    ['round(2.345, 1)', 2.3],
    ['sqrt(9)', 3],
    ['sqrt(-1)', null],
    ['todatetime("2026-11-26T12:00:00Z") == now()', true],
    ['todatetime("never")', null],
    ['1d + 1h == 25h', true],
    // Text.
    ['"abc" startswith "AB"', true],
    ['"abc" !startswith "b"', true],
    ['"abc" endswith "C"', true],
    ['"abc" contains "B"', true],
    ['"a bc.d" has "BC"', true],
    ['"a bc.d" has "bc.d"', true],
    ['"a bcd" has "bc"', false],
    ['"a bcd" !has "cd"', true],
    ['"abc" == "ABC"', false],
    ['"abc" =~ "ABC"', true],
    ['"b" in ("a", "b")', true],
    ['"b" !in ("a", "b")', false],
    ['strcat("a", 1, true)', 'a1true'],
    ['strlen("ä🙂")', 2],
    ['tolower("ÄbC")', 'äbc'],
    ['split("a,,b", ",")', ['a', '', 'b']],
    ['split("a,b", ",")[1]', 'b'],
    ['split("a,b", ",")[2]', null],
    ["trim(@'\\s+', '  a b ')", 'a b'],
    ["trim_end(@'\\*', 'a**')", 'a*'],
    ["extract(@'([^/]+)$', 1, 'arn:x/y/z')", 'z'],
    ["extract('(q)', 1, 'z')", ''],
    ["replace_regex('us.a.us', @'^(us|eu)\\.', @'<\\1>')", '<us>a.us'],
    ['```a "b"\nc```', 'a "b"\nc'],
    ['array_length(split("a,b", ","))', 2],
    // Types and what cannot be turned into them.
    ['tolong("12")', 12],
    ['tolong("")', null],
    ['toreal("1.5")', 1.5],
    ['toreal("x")', null],
    ['toint(2.9)', 2],
    ['todouble("0.25")', 0.25],
    ['tobool("true")', true],
    ['tobool("maybe")', null],
    ['tostring(parse_json("null"))', ''],
    ['isempty("")', true],
    ['isnotempty(tostring(1))', true],
    ['isnull(real(null))', true],
    ['isnotnull(1)', true],
    // The first predicate that holds; the last argument otherwise.
    ['case(1 > 2, "a", 2 > 1, "b", "c")', 'b'],
    ['case(int(null) > 2, "a", "c")', 'c'],
    ['iif(1 < 2, 1, 2)', 1],
    ['bin(7.5, 2)', 6],
    ['bin(datetime(null), 1h)', null],
    ['now() - ago(2h) == 2h', true],
  ])('%s', (expression, value) => {
    expect(valueOf(expression)).toStrictEqual(value);
  });
});

describe('tables', () => {
  it.each<[string, object[]]>([
    [
      `${T} | where v > 2 | project k, twice = v * 2`,
      [
        { k: 'a', twice: 6 },
        { k: 'a', twice: 14 },
      ],
    ],
    // An extension sees the row as it was.
    ['print a = 1 | extend a = a + 1, b = a', [{ a: 2, b: 1 }]],
    [`${T} | distinct k`, [{ k: 'a' }, { k: 'b' }, { k: '' }]],
  ])('%s', (query, rows) => {
    expect(run(query)).toStrictEqual(rows);
  });

  it('aggregates what is not null', () => {
    expect(
      run(`${T} | where k != 'b' | summarize n = count(), s = sum(v), big = countif(v > 2), some = sumif(w, w > 1),
        m = max(v), l = min(v), d = dcount(k) by k | order by s desc`),
    ).toStrictEqual([
      { k: 'a', n: 2, s: 10, big: 2, some: 1.5, m: 7, l: 3, d: 1 },
      { k: '', n: 1, s: 2, big: 0, some: 0, m: 2, l: 2, d: 1 },
    ]);
  });

  it('names the columns of an aggregation as the service does', () => {
    expect(run(`${T} | summarize count(), percentiles(v, 50, 95), arg_max(v, k)`)).toStrictEqual([
      { count_: 4, percentile_v_50: 3, percentile_v_95: 7, v: 7, k: 'a' },
    ]);
  });

  it('has one row for an aggregation of nothing, and none for groups of nothing', () => {
    expect(
      run(`${T} | where v > 99 | summarize n = count(), s = sum(v), m = max(v), p = percentile(v, 50)`),
    ).toStrictEqual([{ n: 0, s: 0, m: null, p: null }]);
    expect(run(`${T} | where v > 99 | summarize n = count() by k`)).toStrictEqual([]);
  });

  it('sorts descending when nothing is said, nulls last then and first in ascending order', () => {
    expect(run(`${T} | order by v | project v`).map(({ v }) => v)).toStrictEqual([7, 3, 2, null]);
    expect(run(`${T} | sort by v asc | project v`).map(({ v }) => v)).toStrictEqual([null, 2, 3, 7]);
    expect(run(`${T} | top 1 by v | project k, v`)).toStrictEqual([{ k: 'a', v: 7 }]);
    expect(run(`${T} | order by k asc, v desc | project-away w`)[1]).toStrictEqual({ k: 'a', v: 7 });
  });

  it('joins by equal keys, and renames what both sides have', () => {
    const prices = 'datatable(k: string, v: long)["a", 1, "a", 2]';
    expect(run(`${T} | where v == 3 | join kind=inner (${prices}) on k | project k, v, v1`)).toStrictEqual([
      { k: 'a', v: 3, v1: 1 },
      { k: 'a', v: 3, v1: 2 },
    ]);
    expect(run(`${T} | join kind=inner (print x = 'q') on $left.k == $right.x`)).toStrictEqual([]);
    expect(run(`datatable(k: string)['a', 'z'] | lookup (print k = 'a', n = 1, s = 'one') on k`)).toStrictEqual([
      { k: 'a', n: 1, s: 'one' },
      { k: 'z', n: null, s: '' },
    ]);
  });

  it('counts the days and minutes between two times', () => {
    expect(
      run(`print month = startofmonth(now())
        | project days = datetime_diff('day', now(), month), minutes = datetime_diff('minute', now(), month),
            next = startofmonth(datetime_add('day', 32, month))`),
    ).toStrictEqual([{ days: 25, minutes: 25.5 * 1440, next: '2026-12-01T00:00:00.000Z' }]);
  });

  it('expands an array', () => {
    expect(run("print line = split('a,b', ','), n = 1 | mv-expand line to typeof(string)")).toStrictEqual([
      { line: 'a', n: 1 },
      { line: 'b', n: 1 },
    ]);
  });

  it('reads JSON from a log, and rounds times', () => {
    expect(
      run(`Log | where Time >= startofmonth(now()) | extend r = parse_json(Text)
        | project hour = bin(Time, 1h), week = bin(Time, 7d), id = tostring(r.id), n = tolong(r['n']),
          two = tostring(r.deep.list[1]), yes = tobool(r.yes)`),
    ).toStrictEqual([
      // Weeks begin with 1 January of year 1, a Monday.
      { hour: '2026-11-20T10:00:00.000Z', week: '2026-11-16T00:00:00.000Z', id: 'x', n: 5, two: 'two', yes: true },
      { hour: '2026-11-01T00:00:00.000Z', week: '2026-10-26T00:00:00.000Z', id: 'y', n: null, two: '', yes: null },
    ]);
    expect(run('Log | extend r = parse_json(Text) | where isempty(r.id) | project Text')).toStrictEqual([
      { Text: 'no JSON' },
    ]);
  });

  it('knows what a query defines', () => {
    expect(
      run(`let limit = 2; let over = (n: long) { n > limit }; let Big = ${T} | where over(v);
        Big | summarize n = count() by k`),
    ).toStrictEqual([{ k: 'a', n: 2 }]);
  });
});

describe('what it does not know', () => {
  it.each([
    'print reverse("ab")',
    `${T} | sample 1`,
    `${T} | summarize stdev(v)`,
    `${T} | join (print k = 'a') on k`,
    'print 1 / 0',
    // Open in the documentation: the sum of nothing but nulls.
    `${T} | where k == 'b' | summarize sum(v)`,
  ])('is refused, not guessed: %s', (query) => {
    expect(() => run(query)).toThrow(UnknownSyntax);
  });

  it('is told from what is wrong, with the place', () => {
    expect(() => run('Log\n| where Tme > ago(1h)')).toThrow(
      "2:9 Error KS142 The name 'Tme' does not refer to any known",
    );
    expect(() => run('Log | where')).toThrow('Error');
    expect(() => run('print 1 + "a"')).toThrow('Error');
    expect(analyze('Log | project Time', schema).diagnostics).toStrictEqual([]);
  });
});
