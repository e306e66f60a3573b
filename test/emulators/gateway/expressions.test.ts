import { describe, expect, it } from 'vitest';

import { ExpressionError, UnsupportedPolicyError } from './errors.ts';
import { compileExpression } from './expression.ts';
import type { Value } from './expression-values.ts';
import { policyContext, type ContextSource } from './policy-context.ts';

const REQUEST_ID = '0b1f9c1e-6a5e-4f0f-8f1c-0a1b2c3d4e5f';

const SOURCE: ContextSource = {
  requestId: REQUEST_ID,
  request: {
    method: 'POST',
    path: '/model/a%3Ab/converse',
    query: '',
    headers: [
      ['X-Two', 'one'],
      ['x-two', 'two'],
      ['Content-Length', '17'],
    ],
    ipAddress: '127.0.0.1',
  },
  response: { status: 429, reason: 'Too Many Requests', headers: [['Retry-After', '7']], body: '' },
  variables: new Map<string, Value>([['name', 'value']]),
  operation: { name: 'converse', method: 'POST', urlTemplate: '/model/*' },
  subscription: { id: 'team', key: 'k', name: 'Équipe α' },
  lastError: undefined,
};

function evaluate(expression: string): Value {
  return compileExpression(expression)(policyContext(SOURCE));
}

describe('values', () => {
  it.each<[expression: string, value: Value]>([
    ['"a\\"b\\\\c\\n"', 'a"b\\c\n'],
    ['@"a\\d""b"', 'a\\d"b'],
    ['42', 42],
    ['!false', true],
    ['null ?? "x"', 'x'],
    ['"y" ?? "x"', 'y'],
    ['1 + 2 == 3', true],
    ['"a" + "b" + "c"', 'abc'],
    ['2 > 1', true],
    ['1 >= 2', false],
    ['1 < 2', true],
    ['2 <= 1', false],
    ['"a" != "b"', true],
    ['context.Product == null', true],
    ['context.Subscription != null', true],
    ['true || context.Product.Id == "not evaluated"', true],
    ['false && context.Product.Id == "not evaluated"', false],
    ['true || false && false', true],
    ['(true || false) && false', false],
    ['!true == false', true],
    ['true ? "yes" : context.Product.Id', 'yes'],
    ['false ? "a" : true ? "b" : "c"', 'b'],
    ['1 > 2 ? "a" : "b"', 'b'],
    ['(string)context.Variables["name"] + "s"', 'values'],
    ['((string)context.Variables["name"]).StartsWith("val")', true],
    ['((string)context.Variables["name"]).EndsWith("val")', false],
    ['(string)null == null', true],
    ['(int)42', 42],
    ['context.Product?.Id', null],
    ['context.Subscription?.Id', 'team'],
    ['context.Operation.Id != "health"', true],
    ['context.Subscription?.Id.StartsWith("te")', true],
    ['context.User?.Id.StartsWith("the whole chain is null")', null],
    ['context.RequestId.ToString()', REQUEST_ID],
    ['context.Response.StatusCode.ToString()', '429'],
    ['context.Request.Url.Path', '/model/a%3Ab/converse'],
    ['context.Request.Headers.GetValueOrDefault("X-TWO", "")', 'one,two'],
    ['context.Request.Headers.GetValueOrDefault("absent", "none")', 'none'],
    ['context.Request.Headers.GetValueOrDefault("absent")', null],
    ['context.Response.Headers.GetValueOrDefault("retry-after", "")', '7'],
    ['context.Variables.ContainsKey("name")', true],
    ['context.Variables.ContainsKey("Name")', false],
    ['context.Request.Headers.Any(h => h.Value.Any(v => v == "two"))', true],
    ['context.Request.Headers.Any(h => h.Key == "Content-Length")', true],
    ['context.Request.Headers.Any(h => h.Value.Any(v => v.Any(c => c > 126)))', false],
    ['context.Subscription.Name.Any(c => c > 126)', true],
    ['string.IsNullOrEmpty(context.Product?.Id)', true],
    ['string.IsNullOrEmpty("")', true],
    ['string.IsNullOrEmpty("x")', false],
    ['int.Parse(" 17 ")', 17],
    ['long.Parse("4294967296")', 4_294_967_296],
    ['"ÉQUIPE".ToLowerInvariant()', 'équipe'],
    ['System.Uri.EscapeDataString(context.Subscription.Name)', '%C3%89quipe%20%CE%B1'],
    ['System.Uri.EscapeDataString("a-b_c.d~e!\'()*/:,%")', 'a-b_c.d~e%21%27%28%29%2A%2F%3A%2C%25'],
    ['System.Uri.UnescapeDataString("%2e%2E%2fadmin%zz%41")', '../admin%zzA'],
    ['System.Uri.UnescapeDataString("%FF%2e")', '%FF.'],
    ['System.Uri.UnescapeDataString("%C3%A9%FF%41%E2%82%AC%ED%A0%80")', 'é%FFA€%ED%A0%80'],
    ['Regex.IsMatch("/admin/x", @"^[/\\\\]*(admin|runtime)([/\\\\]|$)")', true],
    ['Regex.Match("a/b/c", @"^a/([a-z]+)/").Groups[1].Value', 'b'],
    ['Regex.Match("a/b/c", @"^a/([a-z]+)/").Groups[0].Value', 'a/b/'],
    ['Regex.Match("a/b/c", @"^a/([a-z]+)/").Groups[2].Value', ''],
    ['Regex.Match("x", @"^a/([a-z]+)/").Groups[1].Value', ''],
    ['Newtonsoft.Json.JsonConvert.SerializeObject("a\\"b")', '"a\\"b"'],
    ['Newtonsoft.Json.JsonConvert.SerializeObject(null)', 'null'],
  ])('%s', (expression, value) => {
    expect(evaluate(expression)).toEqual(value);
  });
});

describe('what .NET would throw', () => {
  it.each([
    'context.Product.Id',
    'context.LastError.Reason',
    'context.Variables["absent"]',
    'int.Parse("")',
    'int.Parse("12.5")',
    'int.Parse("2147483648")',
    'long.Parse("many")',
  ])('%s', (expression) => {
    expect(() => evaluate(expression)).toThrow(ExpressionError);
  });
});

describe('what the emulator does not know is an error', () => {
  it.each([
    ['syntax', 'a.'],
    ['an open bracket', '(1'],
    ['something after the end', '1 2'],
    ['a statement', 'return 1;'],
    ['a character literal', "'a'"],
    ['a number that is no integer', '1.5'],
    ['an interpolated string', '$"x"'],
    ['an escape it has no meaning for', '"\\q"'],
    ['an object creation', 'new JObject()'],
    ['a generic method', 'context.Variables.GetValueOrDefault<string>("x")'],
    ['an operator', '7 % 2'],
    ['a type', 'System.IO.File.Exists("x")'],
    ['a method of a known type', 'System.Uri.CheckHostName("x")'],
    ['a name', 'request'],
    ['a property', 'context.Request.OriginalUrl'],
    ['a property every object of JavaScript has', 'context.constructor'],
    ['a method every object of JavaScript has', 'context.toString()'],
    ['a method of a string', '"x".Trim()'],
    ['a member of a number', '1.ToString("x").Length'],
    ['an indexer', '"abc"["x"]'],
    ['a comparison of two types', '1 == "1"'],
    ['a comparison of objects', 'context.Request == context.Response'],
    ['a sum of two types', '"a" + 1'],
    ['an order of strings', '"a" > "b"'],
    ['a condition that is no bool', '"a" ? 1 : 2'],
    ['a cast between types', '(int)"1"'],
    ['a cast to a type', '(decimal)1'],
    ['a lambda where none belongs', 'string.IsNullOrEmpty(x => x)'],
    ['a pattern that .NET reads otherwise', 'Regex.IsMatch("x", @"(?i)x")'],
    ['a class of characters that .NET reads otherwise', 'Regex.IsMatch("x", @"\\d")'],
  ])('%s', (_what, expression) => {
    expect(() => evaluate(expression)).toThrow(UnsupportedPolicyError);
  });
});
