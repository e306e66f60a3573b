import { randomUUID } from 'node:crypto';
import { BedrockRuntimeClient, ConverseCommand } from '@aws-sdk/client-bedrock-runtime';
import {
  AssumeRoleCommand,
  AssumeRoleWithWebIdentityCommand,
  GetCallerIdentityCommand,
  STSClient,
  STSServiceException,
  type AssumeRoleCommandInput,
  type Credentials,
} from '@aws-sdk/client-sts';
import { NodeHttpHandler } from '@smithy/node-http-handler';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { startEntra, type Entra } from '../azure/entra.ts';
import { startBedrock, type BedrockEmulator } from '../bedrock/bedrock.ts';
import type { BedrockKey } from '../bedrock/sigv4-verifier.ts';
import { awsAccounts, type AwsAccounts } from './accounts.ts';
import type { PolicyDocument, Statement } from './policy.ts';
import { startSts, type StsEmulator } from './sts.ts';

const HOME = '111122223333';
const OTHER = '444455556666';
const AUDIENCE = 'api://aws-bedrock';
const USER = `arn:aws:iam::${HOME}:user/proxy`;
const KEY: BedrockKey = { accessKeyId: 'AKIAPROXY00000000001', secretAccessKey: 'proxy-secret' };
const DIRECT = `arn:aws:iam::${HOME}:role/bedrock-direct`;
const KEYLESS = `arn:aws:iam::${HOME}:role/bedrock-keyless`;
const TARGET = `arn:aws:iam::${OTHER}:role/bedrock-target`;

let entra: Entra;
let accounts: AwsAccounts;
let sts: StsEmulator;
let bedrock: BedrockEmulator;
let now = new Date();
let subject: string;
const clients: { destroy(): void }[] = [];

beforeAll(async () => {
  entra = await startEntra();
});

afterAll(() => entra.close());

beforeEach(async () => {
  now = new Date();
  subject = randomUUID();
  const issuer = `https://sts.windows.net/${entra.tenantId}/`;
  const provider = `sts.windows.net/${entra.tenantId}/`;
  accounts = awsAccounts();
  const assume: Statement = { Effect: 'Allow', Action: ['sts:AssumeRole', 'sts:TagSession'], Resource: TARGET };
  accounts.addUser({ accountId: HOME, name: 'proxy', key: KEY, policy: policy(assume) });
  accounts.addProvider({ accountId: HOME, url: issuer, clientIds: [AUDIENCE] });
  accounts.putRole({
    arn: DIRECT,
    trust: policy({ Effect: 'Allow', Action: 'sts:AssumeRole', Principal: { AWS: USER } }),
    maxSessionSeconds: 7200,
  });
  accounts.putRole({
    arn: KEYLESS,
    trust: policy({
      Effect: 'Allow',
      Action: 'sts:AssumeRoleWithWebIdentity',
      Principal: { Federated: `arn:aws:iam::${HOME}:oidc-provider/${provider}` },
      Condition: { StringEquals: { [`${provider}:aud`]: AUDIENCE, [`${provider}:sub`]: subject } },
    }),
    policy: policy(assume),
    maxSessionSeconds: 43_200,
  });
  accounts.putRole({
    arn: TARGET,
    trust: policy({
      Effect: 'Allow',
      Action: ['sts:AssumeRole', 'sts:TagSession'],
      Principal: { AWS: [`arn:aws:iam::${HOME}:root`] },
      Condition: {
        StringEquals: { 'sts:ExternalId': 'azure-proxy' },
        'ForAllValues:StringEquals': { 'aws:TagKeys': ['team'] },
      },
    }),
    maxSessionSeconds: 43_200,
  });
  const clock = () => now;
  const issuers = { [issuer]: `${entra.authority}/${entra.tenantId}` };
  sts = await startSts({ accounts, issuers, clock, disabledRegions: ['eu-south-1'] });
  bedrock = await startBedrock({ accounts, clock, strictHeaders: false });
});

afterEach(async () => {
  for (const made of clients.splice(0)) made.destroy();
  entra.fail(500, 0);
  await Promise.all([sts.close(), bedrock.close()]);
});

function policy(...Statement: Statement[]): PolicyDocument {
  return { Version: '2012-10-17', Statement };
}

/** The SDK with its own retries. */
function client(credentials: BedrockKey = KEY, region = 'us-east-1'): STSClient {
  const made = new STSClient({ endpoint: sts.url, region, credentials });
  clients.push(made);
  return made;
}

function assumeRole(input: Partial<AssumeRoleCommandInput> = {}, by: STSClient = client()) {
  return by.send(new AssumeRoleCommand({ RoleArn: DIRECT, RoleSessionName: 'team-a', ...input }));
}

async function withToken(signed: Promise<string> | string, input: Partial<AssumeRoleCommandInput> = {}) {
  const WebIdentityToken = await signed;
  return client().send(
    new AssumeRoleWithWebIdentityCommand({ RoleArn: KEYLESS, RoleSessionName: 'team-a', ...input, WebIdentityToken }),
  );
}

/** A token of version 1 of the trusted identity. */
function token(claims: Record<string, unknown> = {}, options: Parameters<Entra['issueToken']>[1] = {}) {
  return entra.issueToken({ aud: AUDIENCE, sub: subject, oid: subject, ...claims }, { version: 1, ...options });
}

function keyOf(credentials: Credentials | undefined): Required<BedrockKey> {
  const { AccessKeyId: accessKeyId, SecretAccessKey: secretAccessKey, SessionToken: sessionToken } = credentials ?? {};
  if (!accessKeyId || !secretAccessKey || !sessionToken) throw new Error('The answer has no credentials.');
  return { accessKeyId, secretAccessKey, sessionToken };
}

/** What the SDK makes of a refusal: name, status, and how often it asked. */
async function refusalOf(call: Promise<unknown>): Promise<string> {
  const before = sts.requests.length;
  const error = await call.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (!(error instanceof STSServiceException)) return String(error ?? 'no refusal');
  expect(error.$metadata.requestId).toMatch(/^[0-9a-f-]{36}$/);
  return `${error.$metadata.httpStatusCode} ${error.name} ×${sts.requests.length - before}`;
}

function converse(credentials: BedrockKey): Promise<unknown> {
  const runtime = new BedrockRuntimeClient({
    endpoint: bedrock.url,
    region: 'us-east-1',
    credentials,
    requestHandler: new NodeHttpHandler(),
  });
  clients.push(runtime);
  return runtime.send(
    new ConverseCommand({ modelId: 'amazon.nova-micro-v1:0', messages: [{ role: 'user', content: [{ text: 'x' }] }] }),
  );
}

describe('AssumeRole', () => {
  it('gives a session that Bedrock knows by role and name, until it ends', async () => {
    const { AssumedRoleUser, Credentials, PackedPolicySize } = await assumeRole({ DurationSeconds: 7200 });
    const arn = `arn:aws:sts::${HOME}:assumed-role/bedrock-direct/team-a`;
    expect(AssumedRoleUser?.Arn).toBe(arn);
    expect(AssumedRoleUser?.AssumedRoleId).toMatch(/^AROA[0-9A-F]{16}:team-a$/);
    expect(PackedPolicySize).toBeUndefined();
    expect(Math.abs((Credentials?.Expiration?.getTime() ?? 0) - now.getTime() - 7_200_000)).toBeLessThan(1000);

    const key = keyOf(Credentials);
    await converse(key);
    expect(bedrock.callers()).toStrictEqual({ [arn]: 1 });
    expect(bedrock.requests[0]?.principal).toMatchObject({ accountId: HOME, session: { name: 'team-a', tags: {} } });
    await expect(converse({ ...key, sessionToken: `${key.sessionToken}x` })).rejects.toThrow(/token .* is invalid/);

    now = Credentials?.Expiration ?? now;
    await expect(converse(key)).rejects.toMatchObject({
      name: 'ExpiredTokenException',
      $metadata: { httpStatusCode: 403 },
    });
    expect(bedrock.callers()).toStrictEqual({ [arn]: 1 });
  });

  it('ends a session before its time', async () => {
    const [one, other] = [await assumeRole(), await assumeRole({ RoleSessionName: 'team-b' })].map((answer) =>
      keyOf(answer.Credentials),
    );
    if (one === undefined || other === undefined) throw new Error('Two sessions were asked for.');
    accounts.end(one.accessKeyId);
    await expect(converse(one)).rejects.toMatchObject({ name: 'ExpiredTokenException' });
    await expect(converse(other)).resolves.toBeDefined();
  });

  it('asks another account for the external id, the tags and what the caller itself may do', async () => {
    const full = { RoleArn: TARGET, ExternalId: 'azure-proxy', Tags: [{ Key: 'team', Value: 'a/b' }] };
    const { Credentials, PackedPolicySize } = await assumeRole(full);
    expect(PackedPolicySize).toBe(1);
    expect(accounts.principal(keyOf(Credentials).accessKeyId)).toMatchObject({
      accountId: OTHER,
      session: { tags: { team: 'a/b' }, chained: false },
    });
    for (const wrong of [{ ExternalId: 'other' }, { ExternalId: undefined }, { Tags: [{ Key: 'cost', Value: '1' }] }]) {
      expect(await refusalOf(assumeRole({ ...full, ...wrong }))).toBe('403 AccessDenied ×1');
    }
    accounts.addUser({ accountId: HOME, name: 'proxy', key: KEY });
    await expect(assumeRole(full)).rejects.toThrow(
      `User: ${USER} is not authorized to perform: sts:AssumeRole on resource: ${TARGET}`,
    );
  });

  it('needs sts:TagSession for tags', async () => {
    await expect(assumeRole({ Tags: [{ Key: 'team', Value: 'a' }] })).rejects.toThrow(
      `User: ${USER} is not authorized to perform: sts:TagSession on resource: ${DIRECT}`,
    );
  });

  it('gives a session of a session an hour at most, and its transitive tags', async () => {
    const session = keyOf((await withToken(token())).Credentials);
    const input = {
      RoleArn: TARGET,
      ExternalId: 'azure-proxy',
      Tags: [{ Key: 'team', Value: 'a' }],
      TransitiveTagKeys: ['team'],
    };
    const chained = await assumeRole(input, client(session));
    const principal = accounts.principal(keyOf(chained.Credentials).accessKeyId);
    expect(principal?.session).toMatchObject({ chained: true, transitiveTagKeys: ['team'] });
    expect(await refusalOf(assumeRole({ ...input, DurationSeconds: 3601 }, client(session)))).toBe(
      '400 ValidationError ×1',
    );
    now = new Date(now.getTime() + 3_600_000);
    const error: unknown = await assumeRole(input, client(session)).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ name: 'ExpiredToken', $metadata: { httpStatusCode: 403 } });
  });

  it.each<[string, string, BedrockKey, string?]>([
    ['a key it does not know', '403 InvalidClientTokenId ×1', { ...KEY, accessKeyId: 'AKIAOTHER' }],
    ['a wrong secret', '403 SignatureDoesNotMatch ×1', { ...KEY, secretAccessKey: 'other' }],
    ['the scope of another region', '403 SignatureDoesNotMatch ×1', KEY, 'eu-central-1'],
  ])('refuses %s', async (_, refusal, key, region) => {
    expect(await refusalOf(assumeRole({}, client(key, region)))).toBe(refusal);
  });

  it.each<[string, string, Partial<AssumeRoleCommandInput>]>([
    ['a short name', 'ValidationError', { RoleSessionName: 'a' }],
    ['a long name', 'ValidationError', { RoleSessionName: 'a'.repeat(65) }],
    ['a name with a space', 'ValidationError', { RoleSessionName: 'team a' }],
    ['a short session', 'ValidationError', { DurationSeconds: 899 }],
    ['a long session', 'ValidationError', { DurationSeconds: 43_201 }],
    ['longer than the role allows', 'ValidationError', { DurationSeconds: 7201 }],
    ['no ARN of a role', 'ValidationError', { RoleArn: `arn:aws:iam::${HOME}:user/proxy` }],
    ['a long external id', 'ValidationError', { ExternalId: 'x'.repeat(1225) }],
    ['a long tag', 'ValidationError', { Tags: [{ Key: 'team', Value: 'x'.repeat(257) }] }],
    ['a tag with a bracket', 'ValidationError', { Tags: [{ Key: 'team', Value: '[a]' }] }],
    ['a reserved tag', 'ValidationError', { Tags: [{ Key: 'aws:team', Value: 'a' }] }],
    ['too many tags', 'ValidationError', { Tags: tags(51) }],
    ['a tag twice', 'InvalidParameterValue', { Tags: [...tags(1), { Key: 'T0', Value: 'x' }] }],
    ['a transitive key without tag', 'ValidationError', { TransitiveTagKeys: ['team'] }],
    ['a policy that is no JSON', 'MalformedPolicyDocumentException', { Policy: '{' }],
    ['a role that is not there', 'AccessDenied', { RoleArn: `${DIRECT}-not` }],
  ])('refuses %s', async (_, name, input) => {
    const status = name === 'AccessDenied' ? 403 : 400;
    expect(await refusalOf(assumeRole(input))).toBe(`${status} ${name} ×1`);
  });

  it('refuses what does not pack', async () => {
    accounts.putRole({
      arn: DIRECT,
      trust: policy({ Effect: 'Allow', Action: ['sts:AssumeRole', 'sts:TagSession'], Principal: { AWS: USER } }),
    });
    expect(await refusalOf(assumeRole({ Tags: tags(50, 256) }))).toBe('400 PackedPolicyTooLargeException ×1');
    await expect(assumeRole({ Tags: tags(50) })).resolves.toHaveProperty('PackedPolicySize', 5);
  });

  it('counts every limit that is not kept, and quotes the value', async () => {
    await expect(assumeRole({ RoleSessionName: '<', DurationSeconds: 1 })).rejects.toThrow(
      "3 validation errors detected: Value '<' at 'roleSessionName' failed to satisfy constraint: Member must have " +
        "length greater than or equal to 2; Value '<' at 'roleSessionName'",
    );
  });

  it('does not know what it was not made for', async () => {
    await expect(client().send(new GetCallerIdentityCommand({}))).rejects.toMatchObject({ name: 'InvalidAction' });
    await expect(assumeRole({ SourceIdentity: 'somebody' })).rejects.toBeInstanceOf(Error);
    expect(sts.calls.map(({ outcome }) => outcome)).toStrictEqual(['InvalidAction']);
  });
});

describe('AssumeRoleWithWebIdentity', () => {
  it('takes the token of the managed identity that the role trusts', async () => {
    const answer = await withToken(token(), { DurationSeconds: 43_200 });
    expect(answer).toMatchObject({
      SubjectFromWebIdentityToken: subject,
      Audience: AUDIENCE,
      Provider: `arn:aws:iam::${HOME}:oidc-provider/sts.windows.net/${entra.tenantId}/`,
      AssumedRoleUser: { Arn: `arn:aws:sts::${HOME}:assumed-role/bedrock-keyless/team-a` },
    });
    await converse(keyOf(answer.Credentials));
    expect(Object.keys(bedrock.callers())).toStrictEqual([answer.AssumedRoleUser?.Arn]);
    expect(sts.requests.at(-1)?.headers.authorization).toBeUndefined();
    expect(sts.calls).toMatchObject([{ action: 'AssumeRoleWithWebIdentity', outcome: 'OK' }]);
  });

  it('takes the authorized party of a token for its audience', async () => {
    await expect(withToken(token({ azp: randomUUID() }))).rejects.toThrow('Incorrect token audience');
    await expect(withToken(token({ azp: AUDIENCE, aud: 'api://other' }))).resolves.toMatchObject({
      Audience: AUDIENCE,
    });
  });

  it.each<[string, string, () => Promise<string> | string]>([
    ['another audience', '400 InvalidIdentityTokenException ×1', () => token({ aud: 'api://other' })],
    ['another subject', '403 AccessDenied ×1', () => token({ sub: randomUUID() })],
    ['an issuer that is not registered', '400 InvalidIdentityTokenException ×1', () => token({}, { version: 2 })],
    ['a token that has expired', '400 ExpiredTokenException ×1', () => token({}, { expiresInSeconds: -60 })],
    ['no signature', '400 InvalidIdentityTokenException ×1', () => entra.forge.unsigned(claims(), { version: 1 })],
    ['a foreign key', '400 InvalidIdentityTokenException ×1', () => entra.forge.foreignKey(claims(), { version: 1 })],
    ['an unknown key', '400 InvalidIdentityTokenException ×1', () => entra.forge.unknownKey(claims(), { version: 1 })],
    [
      'a confused one',
      '400 InvalidIdentityTokenException ×1',
      () => entra.forge.hmacWithPublicKey(claims(), { version: 1 }),
    ],
    ['no token', '400 InvalidIdentityTokenException ×1', () => 'abcd'],
    ['a long one', '400 ValidationError ×1', () => 'x'.repeat(20_001)],
  ])('refuses %s', async (_, refusal, make) => {
    expect(await refusalOf(withToken(make()))).toBe(refusal);
  });

  it('follows the keys of the issuer', async () => {
    await withToken(token());
    await entra.rotateKeys();
    await expect(withToken(token())).resolves.toBeDefined();
  });

  it('says when the issuer does not answer, which the SDK takes for a reason to try again', async () => {
    const signed = await token();
    entra.fail(503);
    expect(await refusalOf(withToken(signed))).toBe('400 IDPCommunicationErrorException ×3');
  });

  it('refuses a role that is not there as one that does not trust the identity', async () => {
    const [RoleArn, names] = [`${KEYLESS}-not`, 'Not authorized to perform sts:AssumeRoleWithWebIdentity'];
    await expect(withToken(token(), { RoleArn })).rejects.toThrow(names);
    await expect(withToken(token(), { RoleArn: DIRECT })).rejects.toThrow(names);
  });

  function claims() {
    return { aud: AUDIENCE, sub: subject };
  }
});

describe('faults', () => {
  it.each<[string, number, string, number]>([
    ['Throttling', 400, 'Throttling', 3],
    ['ThrottlingException', 400, 'ThrottlingException', 3],
    ['ServiceUnavailable', 503, 'ServiceUnavailable', 3],
    ['InternalFailure', 500, 'InternalFailure', 3],
    ['IDPCommunicationError', 400, 'IDPCommunicationErrorException', 3],
    ['IDPRejectedClaim', 403, 'IDPRejectedClaimException', 1],
    ['ExpiredTokenException', 400, 'ExpiredTokenException', 1],
    ['InvalidIdentityToken', 400, 'InvalidIdentityTokenException', 1],
    ['AccessDenied', 403, 'AccessDenied', 1],
    ['RegionDisabledException', 403, 'RegionDisabledException', 1],
    ['MalformedPolicyDocument', 400, 'MalformedPolicyDocumentException', 1],
    ['PackedPolicyTooLarge', 400, 'PackedPolicyTooLargeException', 1],
    ['ValidationError', 400, 'ValidationError', 1],
  ])('the SDK knows %s', async (code, status, name, attempts) => {
    sts.fail({ status, code });
    expect(await refusalOf(withToken(token()))).toBe(`${status} ${name} ×${attempts}`);
    expect(sts.calls).toStrictEqual([]);
  });

  it('throttles for so many calls', async () => {
    sts.throttle(2);
    await expect(assumeRole()).resolves.toBeDefined();
    expect([sts.requests.length, sts.calls.length]).toStrictEqual([3, 1]);
  });

  it('has a clock of its own, which the SDK follows when it is told the time', async () => {
    now = new Date(now.getTime() + 3_600_000);
    await expect(assumeRole()).resolves.toBeDefined();
    expect(sts.calls.map(({ outcome }) => outcome)).toStrictEqual(['SignatureDoesNotMatch', 'OK']);
  });

  it('is silent, and answers then', async () => {
    sts.hang(true);
    const arrival = sts.nextRequest();
    const call = assumeRole();
    await arrival;
    expect(sts.calls).toStrictEqual([]);
    sts.hang(false);
    await expect(call).resolves.toBeDefined();
  });

  it('is not switched on in every region', async () => {
    await sts.close();
    sts = await startSts({ accounts, region: 'eu-south-1', disabledRegions: ['eu-south-1'] });
    expect(await refusalOf(assumeRole({}, client(KEY, 'eu-south-1')))).toBe('403 RegionDisabledException ×1');
  });

  it('writes a refusal as the Query protocol has it', async () => {
    const answer = await fetch(sts.url, {
      method: 'POST',
      body: new URLSearchParams({ Action: '<&>', Version: '2011-06-15' }),
    });
    expect([answer.status, answer.headers.get('content-type')]).toStrictEqual([400, 'text/xml']);
    const text = await answer.text();
    expect(text).toBe(
      [
        '<ErrorResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">',
        '  <Error>',
        '    <Type>Sender</Type>',
        '    <Code>InvalidAction</Code>',
        '    <Message>Could not find operation &lt;&amp;&gt; for version 2011-06-15</Message>',
        '  </Error>',
        `  <RequestId>${answer.headers.get('x-amzn-requestid')}</RequestId>`,
        '</ErrorResponse>',
        '',
      ].join('\n'),
    );
  });
});

function tags(count: number, length = 1) {
  return Array.from({ length: count }, (_, index) => ({ Key: `t${index}`, Value: 'v'.repeat(length) }));
}
