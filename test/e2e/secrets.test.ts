import { randomUUID } from 'node:crypto';
import { cp, mkdir, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';

import { afterEach, describe, expect, it } from 'vitest';

import { plain, sendAnswer, SERVER_SENT_EVENTS } from '../emulators/bedrock/answer.ts';
import { startBedrock } from '../emulators/bedrock/bedrock.ts';
import { controlled } from '../emulators/bedrock/controlled.ts';
import {
  closeBeforeHeaders,
  cutAfterHeaders,
  cutAt,
  endEarly,
  exceptionFrame,
  fail,
  splitAt,
  stall,
} from '../emulators/bedrock/faults.ts';
import type { ReceivedRequest, Responder } from '../emulators/bedrock/received-request.ts';
import { TEXT } from '../emulators/bedrock/tokens.ts';
import { type Chain, exportedTelemetry, newKey, startChain } from '../emulators/chain.ts';
import { type FunctionsHost, startFunctionsHost } from '../emulators/functions-host/host.ts';
import { type KeyVault, startKeyVault } from '../emulators/azure/key-vault.ts';
import { startManagedIdentity } from '../emulators/azure/managed-identity.ts';
import { type ManualClock, manualClock } from '../support/manual-clock.ts';
import { beginCall, nextChunk } from '../support/raw-client.ts';
import { nextRecord } from '../support/records.ts';
import { findSecrets, type Text } from '../support/secret-scan.ts';
import { root } from '../support/root.ts';
import { converse, converseStream, modelId, openAiModel } from '../support/models.ts';
import { DEADLINES_BY_HAND, passDeadlinesUntil, thenPassDeadlines } from '../support/worker-deadlines.ts';

const SECRET = 'aws-credentials';
const PROMPT = `The patient ${randomUUID()} was told of the diagnosis on Monday.`;
const ANSWER = `The diagnosis of ${randomUUID()} is not to be written down.`;
const messages = [{ role: 'user', content: [{ text: PROMPT }] }];
const anthropic = {
  anthropic_version: 'bedrock-2023-05-31',
  max_tokens: 50,
  messages: [{ role: 'user', content: PROMPT }],
};

const closers: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).toReversed()) await close();
});

interface Request {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

/** Every reply of a run, headers and all. */
const replies: Text[] = [];

async function exchange(where: string, url: string, { method = 'POST', headers = {}, body }: Request) {
  const { request, response } = beginCall(url, { method, headers: { 'content-type': 'application/json', ...headers } });
  request.end(body ?? (method === 'POST' ? JSON.stringify({ messages }) : undefined));
  const answer = await response;
  const content = await text(answer).catch(() => 'cut');
  replies.push({ where, text: `${answer.statusCode} ${answer.rawHeaders.join('\n')}\n${content}` });
  return answer.statusCode ?? 0;
}

const OPERATIONS: readonly [path: string, body: object | undefined][] = [
  [converse, { messages }],
  [converseStream, { messages }],
  [`/model/${modelId}/invoke`, anthropic],
  [`/model/${modelId}/invoke-with-response-stream`, anthropic],
  [`/model/${modelId}/count-tokens`, { input: { converse: { messages } } }],
  ['/openai/v1/chat/completions', { model: openAiModel, stream: true, messages: [{ role: 'user', content: PROMPT }] }],
  ['/anthropic/v1/messages', { ...anthropic, model: modelId, stream: true }],
  ['/async-invoke', undefined],
];

const json = { 'content-type': 'application/json' };
const FAULTS: readonly [name: string, fault: Responder, path: string][] = [
  [
    'an answer whose model is called so',
    splitAt(9, Buffer.from(JSON.stringify({ model: ANSWER, message: { model: ANSWER } })), json),
    '/anthropic/v1/messages',
  ],
  [
    'an error whose type is called so',
    (_request, response) =>
      sendAnswer(response, { ...plain({ __type: ANSWER, error: { type: ANSWER } }), status: 400 }),
    converse,
  ],
  ['an answer of its own', splitAt(9, Buffer.from(JSON.stringify({ text: ANSWER })), json), converse],
  ['events of its own', splitAt(9, Buffer.from(`data: ${ANSWER}\n\n`), SERVER_SENT_EVENTS), '/anthropic/v1/messages'],
  [
    'events without an end',
    cutAt(60, () => ({
      status: 200,
      headers: SERVER_SENT_EVENTS,
      parts: [Buffer.from(`data: ${ANSWER}\n\ndata: ${ANSWER}`)],
    })),
    '/anthropic/v1/messages',
  ],
  ['no answer', closeBeforeHeaders, converse],
  ['no body', cutAfterHeaders, converse],
  ['half a body', cutAt(60), converse],
  ['half a stream', cutAt(200), converseStream],
  ['an exception in a stream', exceptionFrame('throttlingException', 'Slow down.'), converseStream],
  ['a stream that ends early', endEarly(2), converseStream],
  ['no frames', splitAt(50, Buffer.from(ANSWER.repeat(3))), converseStream],
  ['throttled', fail(429, 'ThrottlingException', 'Slow down.'), converse],
  ['a redirection', fail(307, 'TemporaryRedirect', 'Elsewhere.', { location: 'https://elsewhere.example/' }), converse],
  ['its own failure', fail(500, 'InternalServerException', 'Oh.'), converse],
];

const SILENCES: typeof FAULTS = [
  ['no headers', stall('beforeHeaders'), converse],
  ['silence after the headers', stall('afterHeaders'), converse],
  ['silence in a body', stall('midBody'), converse],
  ['silence in a stream', stall('midBody'), converseStream],
];

/** Everything that can happen to a call of a chain in good health, and a rotation. */
async function runMix(chain: Chain, hostClock: ManualClock): Promise<void> {
  const { gateway, host, bedrock, entra, vault } = chain;
  const client = { 'api-key': gateway.subscriptionKey, authorization: 'Bearer of-the-clients-own-0123456789' };
  const call = (where: string, path: string, request: Request = {}) =>
    exchange(where, gateway.url + path, { ...request, headers: { ...client, ...request.headers } });
  const credential = { authorization: `Bearer ${await entra.issueToken()}`, 'x-functions-key': host.functionKey };
  tokens.push(credential.authorization.slice(7));
  const callHost = (where: string, path: string, request: Request = {}) =>
    exchange(where, host.url + path, { ...request, headers: { ...credential, ...request.headers } });

  for (const [path, body] of OPERATIONS) {
    const method = body === undefined ? 'GET' : 'POST';
    expect(await call(path, path, { method, body: JSON.stringify(body) }), path).toBe(200);
  }
  for (const [name, fault, path] of FAULTS) {
    bedrock.answer(fault);
    await call(name, path);
  }
  for (const [name, fault, path] of SILENCES) {
    bedrock.answer(thenPassDeadlines(host, fault));
    await call(name, path);
  }

  const forged = await entra.forge.foreignKey();
  tokens.push(forged);
  const query = new URLSearchParams({ code: host.functionKey, access_token: credential.authorization, prompt: PROMPT });
  for (const send of [call, callHost]) {
    await send('a bad path', '/model/a%2F..%2Fb/converse');
    await send('a bad model', '/model/a%20b/converse');
    await send('no such operation', `/no-such-operation?${query}`);
    await send('another method', converse, { method: 'DELETE' });
    await send('HEAD', converse, { method: 'HEAD' });
    await send('a bidirectional stream', `/model/${modelId}/invoke-with-bidirectional-stream`);
    await send('too large', converse, { body: PROMPT.repeat(1000) });
    await send('a query', `${converse}?${query}`);
    await send('a query that is none', `/async-invoke?nextToken=%FF&${query}`, { method: 'GET' });
    await send('a body that is none', converse, { body: `{"messages": ${PROMPT}` });
    await send('forged headers', converse, { body: JSON.stringify({ Headers: { authorization: PROMPT }, messages }) });
    await send('no credential', converse, { headers: { authorization: '', 'x-functions-key': '', 'api-key': '' } });
    await send('a forged token', converse, {
      headers: { authorization: `Bearer ${forged}`, 'x-functions-key': forged, 'api-key': forged },
    });
    await send('two tokens in one', converse, {
      headers: { authorization: `Bearer ${forged}, ${credential.authorization}` },
    });
  }
  // The host cannot forward such a header and leaves the call without an answer; the gateway refuses it.
  await call('a header outside of ASCII', converse, {
    headers: { 'anthropic-beta': `caf\u00e9 ${host.functionKey}` },
  });
  await callHost('a model that is not allowed', converse, { headers: { 'x-gateway-allowed-models': 'amazon.*' } });
  for (const allowed of ['', 'amazon.*']) {
    await callHost('a model that is a prompt', '/openai/v1/responses', {
      headers: allowed === '' ? {} : { 'x-gateway-allowed-models': allowed },
      body: JSON.stringify({ model: PROMPT, input: PROMPT }),
    });
  }
  await callHost('a model that cannot be told', '/openai/v1/responses', {
    headers: { 'x-gateway-allowed-models': 'amazon.*' },
    body: `{"model":1,"input":"${PROMPT}"}`,
  });
  await callHost('health', '/health', { method: 'GET' });

  const cutUpload = beginCall(host.url + converse, {
    method: 'POST',
    headers: { ...credential, 'transfer-encoding': 'chunked' },
  });
  cutUpload.request.write(`{"messages":"${PROMPT}`);
  const refused = nextRecord(host, ({ errorType }) => errorType === 'RequestTimeoutException');
  await passDeadlinesUntil(host, refused);
  // By the host, which does not wait for an upload that dries up.
  await hostClock.pass(6000);
  expect((await cutUpload.response).statusCode).toBe(500);
  cutUpload.request.destroy();

  const left = controlled();
  bedrock.answer(left.responder);
  const leaving = beginCall(gateway.url + converseStream, { method: 'POST', headers: client });
  leaving.request.end(JSON.stringify({ messages }));
  await left.send(cutFrame);
  await nextChunk(await leaving.response);
  leaving.request.destroy();
  await (
    await left.started
  ).aborted;

  const next = { ...newKey(), sessionToken: `IQoJ${randomUUID()}` };
  secretKeys.push(next.secretAccessKey, next.sessionToken);
  vault.set(SECRET, JSON.stringify(next));
  bedrock.setKeys([next]);
  expect(await call('after a rotation', converse)).toBe(200);
  vault.set(SECRET, next.secretAccessKey);
  bedrock.setKeys([]);
  await call('after the end of the keys', converse);
}

const cutFrame = Buffer.from('AAAAEAAAAAAF6EjHfZjI/w==', 'base64');

/** Keys and tokens that no list of an emulator's has. */
const secretKeys: string[] = [];
const tokens: string[] = [];

function bearersOf(headers: readonly (string | undefined)[]): string[] {
  return headers.flatMap((value) => /^Bearer (.{8,})$/.exec(value ?? '')?.[1] ?? []);
}

function signaturesOf(requests: readonly ReceivedRequest[]): string[] {
  return requests.flatMap(({ headers }) => /Signature=([0-9a-f]{64})/.exec(headers['authorization'] ?? '')?.[1] ?? []);
}

/** Whatever opens something, by name. */
function credentialsOf(chain: Chain, vault: KeyVault, identityHeader: string): Map<string, string> {
  const { key, host, gateway, bedrock } = chain;
  const sent = gateway.requests.flatMap(({ rawHeaders, forwarded }) => [
    ...rawHeaders,
    ...(forwarded?.rawHeaders ?? []),
  ]);
  const lists: Readonly<Record<string, readonly string[]>> = {
    'the secret access key': [key.secretAccessKey, ...secretKeys],
    'the session token': 'sessionToken' in key ? [String(key.sessionToken)] : [],
    'a signature': signaturesOf(bedrock.requests),
    'the subscription key': [gateway.subscriptionKey],
    'the function key': [host.functionKey],
    'the master key': [host.masterKey],
    'a bearer token': [...bearersOf(sent), ...tokens],
    'a token for the vault': bearersOf(vault.requests.map(({ headers }) => headers.authorization)),
    'the header of the token endpoint': [identityHeader],
    'the key of the collector': [OTLP_KEY],
  };
  for (const name of ['a signature', 'a bearer token', 'a token for the vault'])
    expect(lists[name]?.length, name).toBeGreaterThan(0);
  return numbered(lists);
}

function numbered(lists: Readonly<Record<string, readonly string[]>>): Map<string, string> {
  const values = Object.entries(lists).flatMap(([name, list]) =>
    [...new Set(list)].map((value) => [name, value] as const),
  );
  return new Map(values.map(([name, value], index) => [`${name} (${index})`, value]));
}

const OTLP_KEY = `key-of-the-collector-${randomUUID()}`;

const CONTENT = new Map([
  ['the prompt', PROMPT],
  ['the answer', ANSWER],
  ['the emulator’s answer', TEXT],
]);

function logsOf(host: FunctionsHost): Text[] {
  return host.logs.map(({ category, message }) => ({ where: `${category}: ${message}`, text: message }));
}

const LIMITS = {
  MAX_REQUEST_BYTES: '20000',
  UPLOAD_TIMEOUT_SECONDS: '200',
  UPSTREAM_HEADERS_TIMEOUT_SECONDS: '201',
  UPSTREAM_IDLE_TIMEOUT_SECONDS: '202',
  FIRST_BYTE_DEADLINE_SECONDS: '230',
};

describe('no secret in any reply, and none in any log line, prompts and answers included', () => {
  it.each(['entra', 'functionKey'] as const)('calls of every kind, %s', async (callerAuth) => {
    replies.length = 0;
    const key = { ...newKey(), sessionToken: `IQoJ${randomUUID()}//${randomUUID()}` };
    const hostClock = manualClock();
    const chain = await startChain({
      callerAuth,
      nodeArguments: DEADLINES_BY_HAND,
      hostClock,
      keys: [key],
      secrets: { [SECRET]: JSON.stringify(key) },
      settings: { ...LIMITS, OTEL_EXPORTER_OTLP_HEADERS: `x-otlp-key=${OTLP_KEY}` },
      telemetry: 'both',
    });
    closers.push(() => chain.close());
    await runMix(chain, hostClock);
    await chain.host.stop();
    const credentials = credentialsOf(chain, chain.vault, chain.identity.environment.IDENTITY_HEADER);
    const logs = logsOf(chain.host);
    expect(replies.length).toBeGreaterThan(50);
    expect(logs.filter(({ text: line }) => line.includes('"bedrock.request"')).length).toBeGreaterThan(40);
    expect(logs.filter(({ text: line }) => line.includes('"bedrock.failure"')).length).toBeGreaterThan(3);
    const exported = exportedTelemetry(chain.collector, chain.insights);
    expect(chain.collector.sum('bedrock.proxy.requests')).toBeGreaterThan(40);
    expect(chain.insights.dependencies().length).toBeGreaterThan(80);
    expect(findSecrets(credentials, replies)).toStrictEqual([]);
    expect(findSecrets(new Map([...credentials, ...CONTENT]), [...logs, ...exported])).toStrictEqual([]);
  });

  it('every trouble with the vault and the token endpoint, before there are keys', async () => {
    replies.length = 0;
    const key = newKey();
    const identity = await startManagedIdentity();
    closers.push(() => identity.close());
    // From the start: once it has a token, the worker keeps it.
    identity.fail(400);
    const vault = await startKeyVault({ identity, secrets: {} });
    closers.push(() => vault.close());
    const settings = { KEY_VAULT_URI: vault.url, ...identity.environment };
    const chain = await startChain({ keys: [key], settings });
    closers.push(() => chain.close());
    const alarms = () => chain.host.logs.filter(({ message }) => message.includes('"bedrock.credentials"')).length;
    const good = JSON.stringify(key);
    const troubles: [string, () => void][] = [
      ['no identity', () => {}],
      ['a failing token endpoint', () => identity.fail(500)],
      ['a dead token endpoint', () => identity.outage(true)],
      ['no secret', () => (identity.outage(false), identity.fail(500, 0))],
      ['dead', () => vault.outage(true)],
      ['failing', () => (vault.outage(false), vault.fail(500, 1))],
      ['throttled', () => vault.throttle({ retryAfterSeconds: 1, times: 1 })],
      ['no role', () => vault.revokeRole()],
      ['no JSON', () => (vault.grantRole(), vault.set(SECRET, key.secretAccessKey))],
      ['broken JSON', () => void vault.set(SECRET, good.slice(0, -1))],
      [
        'a line break in the key',
        () => void vault.set(SECRET, JSON.stringify({ ...key, secretAccessKey: `${key.secretAccessKey}\n` })),
      ],
      [
        'other names',
        () => void vault.set(SECRET, JSON.stringify({ id: key.accessKeyId, secret: key.secretAccessKey })),
      ],
      ['disabled', () => vault.disable(SECRET)],
    ];
    for (const [name, begin] of troubles) {
      begin();
      const before = alarms();
      while (alarms() === before) {
        await sleep(100);
        const headers = { 'api-key': chain.gateway.subscriptionKey };
        expect(await exchange(name, chain.gateway.url + converse, { headers }), name).toBe(503);
      }
    }
    vault.set(SECRET, good);
    const headers = { 'api-key': chain.gateway.subscriptionKey };
    while ((await exchange('good', chain.gateway.url + converse, { headers })) !== 200);
    const credentials = credentialsOf(chain, vault, identity.environment.IDENTITY_HEADER);
    expect(findSecrets(credentials, replies)).toStrictEqual([]);
    expect(findSecrets(new Map([...credentials, ...CONTENT]), logsOf(chain.host))).toStrictEqual([]);
  });

  it('secrets in the wrong settings', async () => {
    replies.length = 0;
    const secret = newKey().secretAccessKey;
    const names = [
      'AWS_REGION',
      'KEY_VAULT_URI',
      'AWS_CREDENTIALS_SECRET_NAME',
      'CREDENTIALS_REFRESH_SECONDS',
      'MAX_REQUEST_BYTES',
      'CALLER_AUTH',
      'AWS_ENDPOINT_URL_BEDROCK_RUNTIME',
    ];
    const host = await startFunctionsHost({ environment: Object.fromEntries(names.map((name) => [name, secret])) });
    closers.push(() => host.stop());
    expect(await exchange('wrong settings', host.url + converse, {})).toBe(503);
    const secrets = new Map([['the secret access key', secret], ...CONTENT]);
    expect(findSecrets(secrets, replies)).toStrictEqual([]);
    expect(findSecrets(secrets, logsOf(host))).toStrictEqual([]);
  });
});

/** An app that is the deployed bundle with the leaks of a careless line of debugging before its handler. */
const LEAKING_APP = `
  const core = require('@azure/functions-core');
  // Before the app hides it from the library.
  require('node:diagnostics_channel').subscribe('http.server.request.start', ({ request }) => {
    console.log('request', request.headers);
    console.log('prompt ' + new URL(request.url, 'http://host').searchParams.get('prompt').slice(10, 55) + '...');
  });
  require(${JSON.stringify(join(root, 'dist/index.cjs'))});
  core.registerHook('preInvocation', async () => {
    console.error(Buffer.from('keys ' + process.env.AWS_SECRET_ACCESS_KEY).toString('base64'));
    console.log('token ' + encodeURIComponent(process.env.AWS_SESSION_TOKEN));
  });
`;

it('the scan finds what is planted: in logs as text, as base64, percent-encoded, in part; and in a reply', async () => {
  replies.length = 0;
  const folder = join(root, 'node_modules/.cache/leaking-app');
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  await cp(join(root, 'host.json'), join(folder, 'host.json'));
  await writeFile(join(folder, 'package.json'), '{"main":"main.cjs"}');
  await writeFile(join(folder, 'main.cjs'), LEAKING_APP);
  await symlink(join(root, 'node_modules'), join(folder, 'node_modules'), 'junction');
  const key = { ...newKey(), sessionToken: `IQoJ/${randomUUID()}` };
  const bedrock = await startBedrock({ keys: [key] });
  closers.push(() => bedrock.close());
  bedrock.answer(({ headers }, response) => {
    response.end(JSON.stringify({ token: headers['x-amz-security-token'], authorization: headers['authorization'] }));
  });
  const host = await startFunctionsHost({
    appDirectory: folder,
    environment: {
      AWS_REGION: bedrock.region,
      AWS_ENDPOINT_URL_BEDROCK_RUNTIME: bedrock.url,
      AWS_ACCESS_KEY_ID: key.accessKeyId,
      AWS_SECRET_ACCESS_KEY: key.secretAccessKey,
      AWS_SESSION_TOKEN: key.sessionToken,
    },
  });
  closers.push(() => host.stop());
  const path = `/anthropic/v1/messages?${new URLSearchParams({ prompt: PROMPT })}`;
  expect(await exchange('the reply', host.url + path, { headers: { 'x-functions-key': host.functionKey } })).toBe(200);
  const [signature = ''] = signaturesOf(bedrock.requests);
  const secrets = new Map([
    ['the secret access key', key.secretAccessKey],
    ['the session token', key.sessionToken],
    ['the function key', host.functionKey],
    ['the signature', signature],
    ['the master key', host.masterKey],
    ['the prompt', PROMPT],
  ]);
  expect(findSecrets(secrets, replies)).toStrictEqual(['the session token in the reply', 'the signature in the reply']);
  const everywhere = logsOf(host).map(({ text: line }) => ({ where: 'the log', text: line }));
  expect(findSecrets(secrets, everywhere)).toStrictEqual([
    'the secret access key in the log',
    'the session token in the log',
    'the function key in the log',
    'the prompt in the log',
  ]);
});
