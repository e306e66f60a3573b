import { describe, expect, it } from 'vitest';

import { UnsupportedPolicyError } from './errors.ts';
import { compilePolicies, type PolicyTexts } from './policies.ts';
import { readPolicy, replaceOnce } from './policy-file.ts';
import { parseXml } from './xml.ts';

const TEXTS: Omit<PolicyTexts, 'api'> = {
  globalPolicy: undefined,
  productPolicy: undefined,
  callerAuth: 'entra',
  namedValues: { number: '7' },
  environment: {
    backends: { 'bedrock-proxy': { url: 'http://127.0.0.1', headers: {} } },
    managedIdentityToken: undefined,
    now: Date.now,
  },
};

function compile(sections: Partial<Record<'inbound' | 'backend' | 'outbound' | 'on-error', string>>) {
  const { inbound = '', backend = '<forward-request />', outbound = '', 'on-error': onError = '' } = sections;
  const text = `<inbound>${inbound}</inbound><backend>${backend}</backend><outbound>${outbound}</outbound>`;
  return compilePolicies({ ...TEXTS, api: `<policies>${text}<on-error>${onError}</on-error></policies>` });
}

describe('XML', () => {
  it('is read as XML 1.0 has it', () => {
    const root = parseXml(`<!-- a -->\n<a-b.c x='1 > "0"' y="&lt;&amp;&quot;&apos;&gt;\n2">
      t&lt;<!-- c --><d/> </a-b.c >\n`);
    expect([...root.attributes]).toEqual([
      ['x', '1 > "0"'],
      ['y', '<&"\'> 2'],
    ]);
    expect(root).toMatchObject({ name: 'a-b.c', line: 2 });
    expect(root.children).toEqual([
      { kind: 'text', text: '\n      t<' },
      { kind: 'element', name: 'd', attributes: new Map(), children: [], line: 4 },
      { kind: 'text', text: ' ' },
    ]);
  });

  it.each([
    ['nothing', ''],
    ['text alone', 'a'],
    ['an element that is not closed', '<a>'],
    ['an element closed by another name', '<a></b>'],
    ['a second root', '<a/><b/>'],
    ['text after the root', '<a/>b'],
    ['an attribute without quotes', '<a b=c/>'],
    ['an attribute without a value', '<a b/>'],
    ['an attribute that is not closed', '<a b="c/>'],
    ['an attribute twice', '<a b="1" b="2"/>'],
    ['attributes without a space', '<a b="1"c="2"/>'],
    ['a < in an attribute', '<a b="<"/>'],
    ['a bare ampersand', '<a>b && c</a>'],
    ['an unknown entity', '<a>&nbsp;</a>'],
    ['a comment with two hyphens', '<a><!-- b -- c --></a>'],
    ['a comment that is not closed', '<a><!-- b </a>'],
    ['a declaration', '<?xml version="1.0"?><a/>'],
    ['a document type', '<!DOCTYPE a><a/>'],
    ['CDATA', '<a><![CDATA[b]]></a>'],
  ])('refuses %s', (_what, text) => {
    expect(() => parseXml(text)).toThrow(SyntaxError);
  });
});

describe('a policy', () => {
  it('of the least possible kind is accepted', () => {
    expect(() => compile({})).not.toThrow();
  });

  it('may use named values wherever it stands', () => {
    expect(() => compile({ inbound: '<set-variable name="{{number}}" value="@({{number}} > 1)" />' })).not.toThrow();
  });

  it.each([
    ['another root', '<policy />'],
    ['a section missing', '<policies><inbound /><backend /><outbound /></policies>'],
    ['a section twice', '<policies><inbound /><inbound /><backend /><outbound /><on-error /></policies>'],
    ['an unknown section', '<policies><inbound /><backend /><outbound /><on-error /><finally /></policies>'],
    ['text between sections', '<policies>x<inbound /><backend /><outbound /><on-error /></policies>'],
  ])('with %s is refused', (_what, api) => {
    expect(() => compilePolicies({ ...TEXTS, api })).toThrow('line 1');
  });

  it.each([
    ['a misspelt statement', '<set-heder name="a" exists-action="delete" />'],
    ['a statement without semantics here', '<rewrite-uri template="/" />'],
    ['a misspelt attribute', '<set-header name="a" exist-action="delete" />'],
    ['a missing attribute', '<set-header exists-action="delete" />'],
    ['an unknown action', '<set-header name="a" exists-action="remove" />'],
    ['a wildcard for a header', '<set-header name="x-ms-*" exists-action="delete" />'],
    ['a header that cannot be changed', '<set-header name="Connection" exists-action="delete" />'],
    ['a deletion with a value', '<set-header name="a" exists-action="delete"><value>1</value></set-header>'],
    ['a header without a value', '<set-header name="a" />'],
    ['two values', '<set-header name="a"><value>1</value><value>2</value></set-header>'],
    ['an element in a value', '<set-header name="a"><value><b /></value></set-header>'],
    ['an unknown query action', '<set-query-parameter name="a" exists-action="hide" />'],
    ['text among statements', 'text'],
    ['an expression among text', '<set-variable name="a" value="b @(1)" />'],
    ['a multi-statement expression', '<set-variable name="a" value="@{ return 1; }" />'],
    ['an expression that does not parse', '<set-variable name="a" value="@(1 +)" />'],
    ['a named value that does not exist', '<set-variable name="a" value="{{absent}}" />'],
    ['a named value that every object of JavaScript has', '<set-variable name="a" value="{{constructor}}" />'],
    ['a backend that does not exist', '<set-backend-service backend-id="other" />'],
    ['a backend by URL', '<set-backend-service base-url="http://other" />'],
    ['a choice without conditions', '<choose />'],
    ['a choice that begins with otherwise', '<choose><otherwise /></choose>'],
    [
      'a choice with something after otherwise',
      '<choose><when condition="@(true)" /><otherwise /><otherwise /></choose>',
    ],
    ['a misplaced statement in a branch', '<choose><when condition="@(true)"><forward-request /></when></choose>'],
    ['set-body outside of return-response', '<set-body>a</set-body>'],
    [
      'a response in the wrong order',
      '<return-response><set-body>a</set-body><set-status code="200" reason="OK" /></return-response>',
    ],
    ['a statement in a response', '<return-response><set-variable name="a" value="b" /></return-response>'],
    ['a response from a variable', '<return-response response-variable-name="a" />'],
    ['a quota at API scope', '<quota calls="1" renewal-period="60" />'],
    ['a rate limit twice', '<rate-limit calls="1" renewal-period="60" /><rate-limit calls="1" renewal-period="60" />'],
    ['a rate limit over 5 minutes', '<rate-limit calls="1" renewal-period="301" />'],
    ['a rate limit without calls', '<rate-limit calls="0" renewal-period="60" />'],
    ['a quota by key of less than 5 minutes', '<quota-by-key calls="1" renewal-period="299" counter-key="a" />'],
    ['a quota by key of no calls', '<quota-by-key calls="0" renewal-period="300" counter-key="a" />'],
    ['a quota by key of a bandwidth', '<quota-by-key bandwidth="1" renewal-period="300" counter-key="a" />'],
    [
      'a quota by key whose calls are an expression',
      '<quota-by-key calls="@(1)" renewal-period="300" counter-key="a" />',
    ],
    ['a quota by key without a key', '<quota-by-key calls="1" renewal-period="300" />'],
    [
      'a quota by key from no time',
      '<quota-by-key calls="1" renewal-period="300" counter-key="a" first-period-start="today" />',
    ],
    ['a rate limit by key over 5 minutes', '<rate-limit-by-key calls="1" renewal-period="301" counter-key="a" />'],
    ['a rate limit by key without a period', '<rate-limit-by-key calls="1" renewal-period="0" counter-key="a" />'],
    [
      'a rate limit by key that begins on a day',
      '<rate-limit-by-key calls="1" renewal-period="60" counter-key="a" first-period-start="2026-01-01T00:00:00Z" />',
    ],
    [
      'a rate limit by key with children',
      '<rate-limit-by-key calls="1" renewal-period="60" counter-key="a"><a/></rate-limit-by-key>',
    ],
    ['a filter of no address', '<ip-filter action="allow" />'],
    ['a filter of a bad address', '<ip-filter action="allow"><address>10.0.0.256</address></ip-filter>'],
    ['a filter of unknown action', '<ip-filter action="drop"><address>10.0.0.1</address></ip-filter>'],
  ])('with %s is refused', (_what, inbound) => {
    expect(() => compile({ inbound })).toThrow(UnsupportedPolicyError);
  });

  it.each([
    ['backend', '<authentication-managed-identity resource="a" />'],
    ['backend', '<rate-limit calls="1" renewal-period="60" />'],
    ['outbound', '<rate-limit-by-key calls="1" renewal-period="60" counter-key="a" />'],
    ['outbound', '<quota-by-key calls="1" renewal-period="300" counter-key="a" />'],
    ['outbound', '<forward-request />'],
    ['outbound', '<set-backend-service backend-id="bedrock-proxy" />'],
    ['outbound', '<set-query-parameter name="a" exists-action="delete" />'],
    ['on-error', '<set-body>a</set-body>'],
    ['on-error', '<authentication-managed-identity resource="a" />'],
    ['on-error', '<set-query-parameter name="a" exists-action="delete" />'],
    ['on-error', '<forward-request />'],
  ] as const)('with, in %s, %s is refused', (section, statement) => {
    expect(() => compile({ [section]: statement })).toThrow(/not allowed|not known/);
  });

  it.each([
    '<forward-request /><forward-request />',
    '<forward-request timeout="soon" />',
    '<forward-request buffer-response="no" />',
    '<forward-request follow-redirects="true" />',
    '<forward-request buffer-request-body="true" />',
    '<forward-request fail-on-error-status-code="true" />',
    '<forward-request http-version="2" />',
  ])('with %s is refused', (backend) => {
    expect(() => compile({ backend })).toThrow('forward-request');
  });
});

describe('the policy of the API', () => {
  it('has exactly one form of each caller authentication', async () => {
    const api = await readPolicy('bedrock.xml');
    const namedValues = { 'bedrock-max-request-bytes': '1' };
    expect(() => compilePolicies({ ...TEXTS, namedValues, api })).toThrow('bedrock-proxy-audience');
    expect(() => compilePolicies({ ...TEXTS, namedValues, api, callerAuth: 'functionKey' })).not.toThrow();
    const identity = '<authentication-managed-identity resource="{{bedrock-proxy-audience}}" />';
    const without = replaceOnce(api, identity, '');
    expect(() => compilePolicies({ ...TEXTS, namedValues, api: without, callerAuth: 'functionKey' })).toThrow('once');
  });

  it('means the same as xml and as rawxml: no entity, no character data, no double quote in a quoted expression', async () => {
    const api = await readPolicy('bedrock.xml');
    expect(api).not.toMatch(/&|<!\[CDATA\[/);
    expect(api.match(/="[^"]*@\(/g)).toBeNull();
  });

  it('forwards once, unbuffered, and inherits nothing that forwards', async () => {
    const backend = parseXml(await readPolicy('bedrock.xml')).children.find(
      (child) => child.kind === 'element' && child.name === 'backend',
    );
    const statements = backend?.kind === 'element' ? backend.children.filter(({ kind }) => kind === 'element') : [];
    expect(statements).toMatchObject([{ name: 'forward-request' }]);
  });
});
