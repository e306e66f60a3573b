import { createHash } from 'node:crypto';
import { crc32 } from 'node:zlib';

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { createEventStreamFramer, exceptionMessage } from '../../src/streams/event-stream.ts';
import { type Framer, LONGEST_MESSAGE } from '../../src/streams/framer.ts';
import { originOf } from '../../src/aws/endpoint.ts';
import { parseQuery } from '../../src/aws/query.ts';
import { readModels } from '../../src/bedrock/body-model.ts';
import { createRouter, type Route } from '../../src/bedrock/route.ts';
import { RUNTIME } from '../../src/bedrock/runtime.ts';
import type { Operation } from '../../src/bedrock/service.ts';
import { countEvents, createEventFramer, eventsIn } from '../../src/streams/server-sent-events.ts';
import { createSigner } from '../../src/aws/signer.ts';
import { type Config, readConfig } from '../../src/config/config.ts';
import { ProxyError } from '../../src/errors.ts';
import { forwardedHeaders } from '../../src/proxy/forwarded-headers.ts';
import { forwardedQuery } from '../../src/proxy/forwarded-query.ts';
import { ConfigError } from '../../src/config/reader.ts';
import { type Environment, SETTINGS } from '../../src/config/settings.ts';
import { verifySignature } from '../emulators/bedrock/sigv4-verifier.ts';
import { rewriteTarget } from '../emulators/functions-host/front-end.ts';
import { decodePath, encodePath } from '../emulators/functions-host/request-path.ts';

// The same cases in every run; another seed or more cases are a matter of the environment.
const RUNS = Number(process.env['PROPERTY_RUNS'] ?? 500);
fc.configureGlobal({ seed: Number(process.env['PROPERTY_SEED'] ?? 1), numRuns: RUNS });

const findRoute = createRouter([RUNTIME]);

/** Each byte as it stands, or percent-encoded once or more, in upper or lower case. */
function encodedInAnyWay(text: string, mostLevels: number): fc.Arbitrary<string> {
  const levels = fc.array(fc.tuple(fc.integer({ min: 0, max: mostLevels }), fc.boolean()), {
    minLength: text.length,
    maxLength: text.length,
  });
  return levels.map((choices) =>
    Array.from(text, (character, index) => {
      const [level = 0, lower = false] = choices[index] ?? [];
      if (level === 0) return character;
      const hex = character.charCodeAt(0).toString(16).padStart(2, '0');
      return `%${'25'.repeat(level - 1)}${lower ? hex : hex.toUpperCase()}`;
    }).join(''),
  );
}

const segment = fc.stringMatching(/^[A-Za-z0-9._:-]{1,20}$/).filter((text) => !/^\.{1,2}$/.test(text));
/** What Bedrock takes for an id or ARN: the first label of a path may hold slashes. */
const identifier = fc.array(segment, { minLength: 1, maxLength: 4 }).map((parts) => parts.join('/'));
const supported = RUNTIME.operations.filter(({ unsupported }) => unsupported === undefined);

function fill(template: string, labels: readonly string[]): string {
  let next = 0;
  return template.replaceAll(/\{\w+\}/g, () => labels[next++] ?? '');
}

interface Meant {
  readonly operation: Operation;
  readonly labels: readonly string[];
  /** The canonical path with the labels as they are. */
  readonly decoded: string;
  readonly path: string;
}

const meant: fc.Arbitrary<Meant> = fc
  .tuple(fc.constantFrom(...supported), identifier, segment)
  // The id of a response is one segment.
  .map(([operation, first, second]): [Operation, string, string] => [
    operation,
    operation.template.includes('{responseId}') ? first.replaceAll('/', '-') : first,
    second,
  ])
  .map(([operation, ...labels]) => ({
    operation,
    labels,
    decoded: fill(operation.template, labels),
    path: fill(operation.template, labels.map(encodeURIComponent)),
  }));

/** A path, or what is in one, made of what proxies have stumbled over. */
const STUMBLED_OVER = [
  ['/', '//', '.', '..', '/../', '%2e', '%2E%2e', '%252e', '\\', '%5c', '%2F', '%252f', '%25252F', '%', '%25'],
  ['%00', '%2500', '%0d%0a', '%C3%A9', '%FF', '%C0%AF', '%u002e', ';', '?', '#', '@', '\r\n', '\0', '\u00e9'],
  [
    '/model/',
    'model',
    '/converse',
    '/invoke',
    '/converse-stream',
    'async-invoke',
    '/guardrail/',
    '/version/',
    '/apply',
  ],
  ['anthropic.claude-v2:1', 'arn:aws:bedrock:us-east-1:1:inference-profile/a', '/openai/v1/responses'],
].flat();
const hostilePath = fc
  .array(fc.oneof(fc.constantFrom(...STUMBLED_OVER), fc.string({ unit: 'binary', maxLength: 4 })), { maxLength: 8 })
  .map((parts) => parts.join(''));

function routeOrRefusal(method: string, path: string): Route | ProxyError {
  try {
    return findRoute(method, path);
  } catch (error) {
    if (error instanceof ProxyError) return error;
    throw error;
  }
}

function expectRefusalOf({ failure }: ProxyError) {
  expect(['invalidRequest', 'unknownOperation', 'notImplemented']).toContain(failure);
}

function expectWithinTemplate(verb: string, route: Route) {
  const { operation } = route;
  expect(operation.method).toBe(verb);
  expect(operation.unsupported).toBeUndefined();
  const pattern = new RegExp(`^${operation.template.replaceAll(/\{\w+\}/g, '([A-Za-z0-9._%-]+)')}$`);
  const match = pattern.exec(route.path);
  expect(match).not.toBeNull();
  for (const text of match?.slice(1) ?? []) {
    const decoded = decodeURIComponent(text);
    expect(encodeURIComponent(decoded)).toBe(text);
    expect(decoded).toMatch(/^[A-Za-z0-9._:/-]{1,2048}$/);
    expect(decoded.split('/').filter((part) => ['', '.', '..'].includes(part))).toStrictEqual([]);
  }
  expect(new URL(route.path, 'https://bedrock').pathname).toBe(route.path);
  expect(findRoute(verb, route.path)).toStrictEqual(route);
}

describe('findRoute', () => {
  it('gives one canonical path to every form of a path', () => {
    const cases = meant.chain((request) => fc.tuple(fc.constant(request), encodedInAnyWay(request.decoded, 3)));
    fc.assert(
      fc.property(cases, ([{ operation, labels, path }, encoded]) => {
        const route = findRoute(operation.method, encoded);
        const modelId = operation.template.includes('{modelId}') ? labels[0] : undefined;
        expect([route.operation, route.path, route.modelId]).toStrictEqual([operation, path, modelId]);
        expect(findRoute(operation.method, route.path)).toStrictEqual(route);
      }),
    );
  });

  it('gives the same path behind the Functions host and the App Service front end', () => {
    const cases = meant.chain((request) =>
      // Without its first slash it would be no path to a front end.
      fc.tuple(fc.constant(request), encodedInAnyWay(request.decoded.slice(1), 3)),
    );
    fc.assert(
      fc.property(cases, ([{ operation, path }, rest]) => {
        const encoded = `/${rest}`;
        const throughHost = (sent: string) => encodePath(decodePath(sent) ?? '');
        expect(findRoute(operation.method, throughHost(encoded)).path).toBe(path);
        expect(findRoute(operation.method, throughHost(throughHost(encoded))).path).toBe(path);
        expect(findRoute(operation.method, throughHost(rewriteTarget(encoded, ''))).path).toBe(path);
      }),
    );
  });

  it('never leaves the template of a known operation, whatever it is given', () => {
    const template = fc.constantFrom(...RUNTIME.operations.map((operation) => operation.template));
    const around = fc.tuple(template, hostilePath, hostilePath).map(([text, ...labels]) => fill(text, labels));
    const method = fc.constantFrom('GET', 'POST', 'PUT', 'get', '');
    fc.assert(
      fc.property(method, fc.oneof(hostilePath, around), (verb, path) => {
        const route = routeOrRefusal(verb, path);
        if (route instanceof ProxyError) expectRefusalOf(route);
        else expectWithinTemplate(verb, route);
      }),
      { numRuns: 10 * RUNS },
    );
  });
});

const queryName = fc.oneof(
  fc.constantFrom(
    'code',
    'CODE',
    'c%6Fde',
    'Headers',
    'api-key',
    'subscription-key',
    'X-Amz-Signature',
    'x%2Damz-date',
  ),
  fc.constantFrom(
    'maxResults',
    'nextToken',
    '__proto__',
    'constructor',
    'toString',
    '1',
    '0',
    '',
    'a b',
    '%20',
    'a%26b',
  ),
  fc.string({ maxLength: 6 }).map(encodeURIComponent),
  fc.string({ maxLength: 4 }),
);
const query = fc
  .array(fc.tuple(queryName, fc.option(fc.string({ unit: 'binary', maxLength: 8 }).map(encodeLossy)), fc.boolean()))
  .map((parameters) =>
    parameters
      .map(([name, value, raw]) => `${name}${value === null ? '' : `=${raw ? `${value}+/=` : value}`}`)
      .join('&'),
  );
const anyQuery = fc.oneof(query, fc.string({ unit: 'binary-ascii' }), hostilePath);

/** Percent-encoded; a lone surrogate, which no encoding has, becomes a question mark. */
function encodeLossy(text: string): string {
  return encodeURIComponent(text.toWellFormed());
}

function queryOrRefusal(text: string): string | undefined {
  try {
    return forwardedQuery(text, 'any');
  } catch (error) {
    if (error instanceof ProxyError && error.failure === 'invalidRequest') return undefined;
    throw error;
  }
}

function decodedParameters(text: string): string[] {
  return text
    .split('&')
    .filter((parameter) => parameter !== '')
    .map((parameter) => {
      const [name = '', ...value] = parameter.split('=');
      return `${decodeURIComponent(name)}\n${decodeURIComponent(value.join('='))}`;
    });
}

describe('forwardedQuery', () => {
  it('keeps every parameter in its place, but for those that stay here', () => {
    fc.assert(
      fc.property(anyQuery, (sent) => {
        const forwarded = queryOrRefusal(sent);
        if (forwarded === undefined) return;
        const kept = decodedParameters(sent).filter(
          (parameter) => !/^(?:(?:code|headers|api-key|subscription-key)\n|x-amz-)/i.test(parameter),
        );
        expect(decodedParameters(forwarded)).toStrictEqual(kept);
        expect(forwarded).toMatch(/^[!-~]*$/);
        expect(forwarded).not.toMatch(/[+#]/);
        expect(forwardedQuery(forwarded, 'any')).toBe(forwarded);
        expect(Object.values(parseQuery(forwarded)).flat()).toHaveLength(kept.length);
      }),
      { numRuns: 6 * RUNS },
    );
  });
});

const FORWARDED =
  /^(?:accept|anthropic-(?:beta|version)|content-(?:encoding|type)|x-amz-(?:source-arn|user-agent)|x-amzn-bedrock-[^_]*|amz-sdk-(?:invocation-id|request)|user-agent|x-amzn-trace-id)$/;
const headerName = fc.oneof(
  fc.constantFrom('accept', 'content-type', 'content-encoding', 'anthropic-beta', 'user-agent', 'x-amz-user-agent'),
  fc.constantFrom(
    'authorization',
    'x-amz-date',
    'x-amz-security-token',
    'x-functions-key',
    'host',
    'cookie',
    '__proto__',
  ),
  fc.stringMatching(/^x-(?:amzn-bedrock-|amz-|amzn-|ms-|forwarded-|gateway-)[a-z0-9!#$%&'*+.^_`|~-]{1,12}$/),
  fc.stringMatching(/^[a-z0-9!#$%&'*+.^_`|~-]{1,16}$/),
);
/** Characters as Node's parser lets them through: bytes, without controls but tab. */
const headerValue = fc
  .oneof(fc.stringMatching(/^[\t -~]{0,24}$/), fc.stringMatching(/^[\t -~\u0080-\u00ff]{0,24}$/))
  .map((text) => text.trim());
const headers = fc
  .array(fc.tuple(headerName, headerValue), { maxLength: 12 })
  .map((fields) => Object.fromEntries(fields) as Record<string, string>);

function headersOrRefusal(received: Record<string, string>): Record<string, string> | string {
  try {
    const { signed, unsigned } = forwardedHeaders(received);
    const both = Object.keys(signed).filter((name) => name in unsigned);
    return both.length === 0 ? { ...signed, ...unsigned } : `${both.join()} twice`;
  } catch (error) {
    if (error instanceof ProxyError) return error.failure;
    throw error;
  }
}

describe('forwardedHeaders', () => {
  it('lets pass what is on the list, unaltered, and nothing else', () => {
    fc.assert(
      fc.property(headers, (received) => {
        const due = Object.entries(received).filter(([name]) => FORWARDED.test(name));
        const bad = due.some(([, value]) => /[^\t -~]/.test(value));
        expect(headersOrRefusal(received)).toStrictEqual(bad ? 'invalidRequest' : Object.fromEntries(due));
      }),
      { numRuns: 4 * RUNS },
    );
  });
});

describe('what passes is signed as AWS reads it', () => {
  const key = { accessKeyId: 'AKIAEXAMPLE', secretAccessKey: 'secret' };
  const sign = createSigner('bedrock', 'eu-central-1', 'https://bedrock-runtime.eu-central-1.amazonaws.com');

  it('path, query, headers and body', async () => {
    await fc.assert(
      fc.asyncProperty(
        meant,
        anyQuery,
        headers,
        fc.uint8Array({ maxLength: 40 }),
        async (request, text, fields, body) => {
          const { method } = request.operation;
          const forwarded = queryOrRefusal(text);
          const clean = Object.fromEntries(Object.entries(fields).filter(([, value]) => /^[\t -~]*$/.test(value)));
          if (forwarded === undefined) return;
          const { signed, unsigned } = forwardedHeaders(clean);
          const signature = await sign(
            {
              method,
              path: findRoute(method, request.path).path,
              query: forwarded,
              headers: signed,
              bodySha256: createHash('sha256').update(body).digest('hex'),
            },
            key,
          );
          const verdict = verifySignature(
            {
              method,
              target: forwarded === '' ? request.path : `${request.path}?${forwarded}`,
              rawHeaders: Object.entries({ ...signature, ...unsigned }).flat(),
              body,
            },
            { region: 'eu-central-1', service: 'bedrock', now: new Date(), keyFor: () => key },
          );
          expect(verdict.refusal).toBeUndefined();
        },
      ),
      { numRuns: 2 * RUNS },
    );
  });
});

/** The bytes in pieces, cut anywhere; some pieces are empty. */
function cutAnywhere(bytes: Uint8Array): fc.Arbitrary<Buffer[]> {
  const whole = Buffer.from(bytes);
  return fc.array(fc.nat({ max: whole.length }), { maxLength: 12 }).map((cuts) => {
    const ends = [...cuts.toSorted((a, b) => a - b), whole.length];
    return ends.map((end, index) => whole.subarray(ends[index - 1] ?? 0, end));
  });
}

/** Feeds until the framer sees damage; checks that what comes out and what is kept are what went in. */
function feed(framer: Framer, pieces: readonly Buffer[]): { out: Buffer; fed: Buffer } {
  const out: Buffer[] = [];
  const fed: Buffer[] = [];
  for (const piece of pieces) {
    if (framer.damage !== undefined) break;
    out.push(...framer.push(piece));
    fed.push(piece);
    const given = Buffer.concat(fed);
    const taken = Buffer.concat(out);
    expect(given.subarray(0, taken.length).equals(taken)).toBe(true);
    expect(framer.pending).toBe(given.length - taken.length);
    expect(framer.pending).toBeLessThanOrEqual(LONGEST_MESSAGE + piece.length);
  }
  return { out: Buffer.concat(out), fed: Buffer.concat(fed) };
}

/** A message with right checksums and any content. */
const message = fc.tuple(fc.uint8Array({ maxLength: 20 }), fc.uint8Array({ maxLength: 60 })).map(([head, payload]) => {
  const bytes = Buffer.alloc(16 + head.length + payload.length);
  bytes.writeUInt32BE(bytes.length, 0);
  bytes.writeUInt32BE(head.length, 4);
  bytes.writeUInt32BE(crc32(bytes.subarray(0, 8)), 8);
  bytes.set(head, 12);
  bytes.set(payload, 12 + head.length);
  bytes.writeUInt32BE(crc32(bytes.subarray(0, -4)), bytes.length - 4);
  return bytes;
});

/** Whole messages at the start of the bytes, by a reader that knows the specification only. */
function wholeMessages(bytes: Buffer): number {
  let end = 0;
  while (end + 12 <= bytes.length) {
    const length = bytes.readUInt32BE(end);
    const headersLength = bytes.readUInt32BE(end + 4);
    const good = crc32(bytes.subarray(end, end + 8)) === bytes.readUInt32BE(end + 8);
    if (!good || length < 16 + headersLength || length > LONGEST_MESSAGE || end + length > bytes.length) break;
    end += length;
  }
  return end;
}

function endOf(framer: Framer): string {
  try {
    return framer.end().length === 0 ? 'clean' : 'bytes left';
  } catch (error) {
    if (error instanceof ProxyError) return error.failure;
    throw error;
  }
}

describe('the framer of event streams', () => {
  const messages = fc.array(message, { maxLength: 6 });
  const damaged = fc
    .tuple(messages, fc.array(fc.tuple(fc.nat(), fc.integer({ min: 1, max: 255 })), { maxLength: 3 }), fc.nat())
    .map(([parts, flips, length]) => {
      const bytes = Buffer.concat(parts);
      for (const [at, mask] of flips) {
        if (bytes.length > 0) bytes[at % bytes.length] = (bytes[at % bytes.length] ?? 0) ^ mask;
      }
      return bytes.subarray(0, length % (bytes.length + 1));
    });

  it('lets whole messages out, whatever the bytes and however they are cut', () => {
    const any = fc.oneof(fc.uint8Array({ maxLength: 200 }), messages.map(Buffer.concat), damaged);
    fc.assert(
      fc.property(any.chain(cutAnywhere), (pieces) => {
        const framer = createEventStreamFramer();
        const { out, fed } = feed(framer, pieces);
        expect(out.length).toBe(wholeMessages(fed));
        expect(endOf(framer)).toBe(framer.pending === 0 ? 'clean' : 'upstreamBroken');
      }),
      { numRuns: 4 * RUNS },
    );
  });

  it('is not damaged by whole messages', () => {
    fc.assert(
      fc.property(messages.map(Buffer.concat).chain(cutAnywhere), (pieces) => {
        const framer = createEventStreamFramer();
        expect(feed(framer, pieces).out.equals(Buffer.concat(pieces))).toBe(true);
        expect(framer.damage).toBeUndefined();
      }),
    );
  });

  it('takes its own failure for a message, whatever the text', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 200 }), (text) => {
        const failure = exceptionMessage('modelStreamErrorException', text);
        expect(wholeMessages(failure)).toBe(failure.length);
      }),
    );
  });
});

describe('the framer of server-sent events', () => {
  const lines = fc
    .array(fc.constantFrom('data: 1', '\n', '\r', '\r\n', '\n\n', '\r\n\r\n', ': x', 'event: e', '\u00e9'))
    .map((parts) => Buffer.from(parts.join('')));

  /** Offsets behind an empty line; a CR alone ends a line (HTML, section 9.2.5). */
  function endsBehindEmptyLine(bytes: Buffer): boolean {
    return bytes.length === 0 || /(?:\r\n|\n|\r(?!\n)|^)(?:\r\n|\n|\r)$/.test(bytes.toString('latin1'));
  }

  it('lets whole events out and loses no byte, whatever the bytes and however they are cut', () => {
    const any = fc.oneof(lines, fc.uint8Array({ maxLength: 200 }));
    fc.assert(
      fc.property(any.chain(cutAnywhere), fc.constantFrom('openai', 'anthropic', undefined), (pieces, dialect) => {
        const framer = createEventFramer(dialect);
        const { out } = feed(framer, pieces);
        expect(framer.damage).toBeUndefined();
        expect(endsBehindEmptyLine(out)).toBe(true);
        expect(Buffer.concat([out, ...framer.end()]).equals(Buffer.concat(pieces))).toBe(true);
        expect(framer.pending).toBe(0);
      }),
      { numRuns: 6 * RUNS },
    );
  });

  it('the events in a block are as many as are counted, each whole, and no byte is lost', () => {
    const line = fc.constantFrom('data: 1', 'data:', ': x', 'event: e', '\u00e9');
    const ending = fc.constantFrom('\n', '\r', '\r\n');
    const event = fc
      .tuple(fc.array(fc.tuple(line, ending), { minLength: 1, maxLength: 4 }), ending)
      .map(([texts, empty]) => texts.flat().join('') + empty)
      // These two line breaks are one.
      .filter((text) => !/[^\r\n]\r\n$/.test(text));
    fc.assert(
      fc.property(fc.array(event), (texts) => {
        const block = Buffer.from(texts.join(''));
        const events = eventsIn(block);
        expect(events.map(String)).toStrictEqual(texts);
        expect(events).toHaveLength(countEvents(block));
      }),
      { numRuns: 6 * RUNS },
    );
    fc.assert(
      fc.property(fc.oneof(lines, fc.uint8Array({ maxLength: 200 })), (bytes) => {
        expect(Buffer.concat(eventsIn(Buffer.from(bytes))).equals(bytes)).toBe(true);
      }),
      { numRuns: 6 * RUNS },
    );
  });
});

function configOrError(variables: Environment): Config | ConfigError {
  try {
    return readConfig(variables);
  } catch (error) {
    if (error instanceof ConfigError) return error;
    throw error;
  }
}

function expectNoValue({ problems, message: text, stack }: ConfigError, mark: string) {
  expect(problems.length).toBeGreaterThan(0);
  expect([text, stack, ...problems].join('\n')).not.toContain(mark);
}

function expectUsable(config: Config) {
  expect(Object.isFrozen(config)).toBe(true);
  expect(Object.values(config.limits).every((limit) => Number.isSafeInteger(limit) && limit > 0)).toBe(true);
  const origin = originOf('bedrock-runtime', config.regions[0], config.endpoints);
  expect(new URL(origin ?? '').origin).toBe(origin);
  expect(origin).toMatch(/^https?:/);
}

describe('readConfig', () => {
  const MARK = 'V4LU3';
  const plausible: Readonly<Record<string, readonly string[]>> = {
    AWS_REGION: ['eu-central-1', 'us-gov-west-1', 'xx-nowhere-1'],
    KEY_VAULT_URI: ['https://v.vault.azure.net', 'http://127.0.0.1:1', 'http://vault'],
    AWS_ENDPOINT_URL_BEDROCK_RUNTIME: ['https://vpce.example', 'http://localhost:1', 'http://vpce.example'],
    ENTRA_AUTHORITY: ['https://login.microsoftonline.us', 'https://user:pass@login'],
    CALLER_AUTH: ['functionKey', 'entra', 'none'],
    ENTRA_TENANT_ID: ['72f988bf-86f1-41af-91ab-2d7cd011db47'],
  };
  const value = (name: string) =>
    fc.oneof(
      fc.constantFrom(
        '',
        ' ',
        '1',
        '0',
        '-1',
        '1e3',
        '300',
        '99999999999999999999',
        'a,b',
        ',',
        ...(plausible[name] ?? []),
      ),
      fc.constantFrom(...(plausible[name] ?? ['x'])).map((text) => `${text}${MARK}`),
      fc.string({ unit: 'binary' }).map((text) => `${MARK}${text}`),
      fc.webUrl().map((text) => `${text}?${MARK}`),
    );
  const environment = fc.record(Object.fromEntries(SETTINGS.map((name) => [name, value(name)])), { requiredKeys: [] });

  it('gives a configuration or names what is wrong, never a value', () => {
    fc.assert(
      fc.property(environment, (record) => {
        const variables = { ...record };
        const before = structuredClone(variables);
        const result = configOrError(variables);
        if (result instanceof ConfigError) expectNoValue(result, MARK);
        else expectUsable(result);
        expect(variables).toStrictEqual(before);
      }),
      { numRuns: 6 * RUNS },
    );
  });

  it('is good whenever every setting is', () => {
    const good = fc.record(
      {
        AWS_REGION: fc.constantFrom('eu-central-1', 'us-east-1', 'cn-north-1'),
        KEY_VAULT_URI: fc.constant('https://v.vault.azure.net'),
        CALLER_AUTH: fc.constant('functionKey'),
        UPLOAD_TIMEOUT_SECONDS: fc.integer({ min: 1, max: 230 }).map(String),
        STREAM_DEADLINE_SECONDS: fc.integer({ min: 1, max: 1790 }).map(String),
        AWS_CREDENTIALS_SECRET_NAME: fc.stringMatching(/^[0-9A-Za-z-]{1,127}$/),
      },
      { requiredKeys: ['AWS_REGION', 'KEY_VAULT_URI'] },
    );
    fc.assert(
      fc.property(good, (variables) => {
        expect(readConfig(variables).regions[0]).toBe(variables.AWS_REGION);
      }),
    );
  });
});

describe('readModels', () => {
  const name = fc.constantFrom('model', 'modelId', 'Model', 'mode', 'models', '__proto__', 'a"b', '', 'x');
  const json = fc.oneof(
    fc.constantFrom('amazon.nova-lite-v1:0', '"model":"x"', '\\', '{', '').map((text) => JSON.stringify(text)),
    fc.json({ maxDepth: 3 }),
    fc.string({ unit: 'binary' }).map((text) => JSON.stringify(text)),
    fc.constantFrom('{"model":"inner"}', '[{"model":"inner"}]', '{"a":{"model":"deep","model":"deep"}}'),
  );
  const space = fc.stringMatching(/^[ \t\r\n]{0,2}$/);

  /** A name written with some of its characters as escapes. */
  function written(text: string, escapes: readonly boolean[]): string {
    const escaped = Array.from(text, (character, index) =>
      escapes[index] === true
        ? `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`
        : JSON.stringify(character).slice(1, -1),
    );
    return `"${escaped.join('')}"`;
  }

  const member = fc.tuple(name, fc.array(fc.boolean(), { maxLength: 8 }), json, space);
  const objects = fc.array(member, { maxLength: 5 }).map((members) => ({
    members,
    text: `{${members.map(([key, escapes, text, blank]) => `${blank}${written(key, escapes)}${blank}:${blank}${text}${blank}`).join(',')}}`,
  }));

  function modelOrRefusal(body: Buffer): string | undefined {
    try {
      return readModels(body, 'model').model;
    } catch (error) {
      if (error instanceof ProxyError && error.failure === 'invalidRequest' && error.cause === undefined)
        return undefined;
      throw error;
    }
  }

  it('reads the one member of that name, and refuses a second one however it is written', () => {
    fc.assert(
      fc.property(objects, ({ members, text }) => {
        // A parser may overlook capitals.
        const named = members.filter(([key]) => key.toLowerCase() === 'model');
        const [spelt, , value = 'null'] = named[0] ?? [];
        const only: unknown = JSON.parse(value);
        const isIt = named.length === 1 && spelt === 'model' && typeof only === 'string' && only !== '';
        const expected = isIt ? only : undefined;
        expect(modelOrRefusal(Buffer.from(text))).toBe(expected?.toWellFormed());
      }),
      { numRuns: 6 * RUNS },
    );
  });

  it('agrees with JSON.parse on any bytes, or refuses', () => {
    const mutated = objects.chain(({ text }) =>
      fc
        .tuple(fc.nat({ max: text.length }), fc.string({ unit: 'binary', maxLength: 2 }))
        .map(([at, inserted]) => Buffer.from(text.slice(0, at) + inserted + text.slice(at + inserted.length))),
    );
    const any = fc.oneof(
      mutated,
      fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.from(bytes)),
    );
    fc.assert(
      fc.property(any, (body) => {
        const model = modelOrRefusal(body);
        const parsed = model === undefined ? { model } : (JSON.parse(body.toString('utf8')) as object);
        expect(parsed).toHaveProperty('model', model);
      }),
      { numRuns: 6 * RUNS },
    );
  });

  it('is not overwhelmed by depth', () => {
    const deep = Buffer.from(`{"model":"a","x":${'['.repeat(100_000)}${']'.repeat(100_000)}}`);
    expect(['a', undefined]).toContain(modelOrRefusal(deep));
  });
});
