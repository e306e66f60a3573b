import { randomUUID } from 'node:crypto';

import { AssumeRoleCommand, STSClient } from '@aws-sdk/client-sts';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';

import { readConfig } from '../../../src/config/config.ts';
import {
  clientConfig,
  createSts,
  type SessionRequest,
  StsError,
  type StsOptions,
} from '../../../src/credentials/sts.ts';
import { startEntra, type Entra } from '../../emulators/azure/entra.ts';
import { awsAccounts, type AwsAccounts } from '../../emulators/sts/accounts.ts';
import { startSts, type StsEmulator } from '../../emulators/sts/sts.ts';

const ACCOUNT = '111122223333';
const AUDIENCE = 'api://aws-bedrock';
const ROLE = `arn:aws:iam::${ACCOUNT}:role/bedrock`;
const KEY = { accessKeyId: 'AKIAPROXY00000000001', secretAccessKey: 'proxy-secret' };
const REQUEST: SessionRequest = { roleArn: ROLE, name: 'team-a', tags: {}, durationSeconds: 3600 };

let entra: Entra;
let accounts: AwsAccounts;
let emulator: StsEmulator;
let subject: string;

beforeAll(async () => {
  entra = await startEntra();
  // What a client finds in its environment must not matter.
  vi.stubEnv('AWS_MAX_ATTEMPTS', '7');
  vi.stubEnv('AWS_REGION', 'eu-west-3');
});

afterAll(async () => {
  vi.unstubAllEnvs();
  await entra.close();
});

beforeEach(async () => {
  subject = randomUUID();
  const provider = `sts.windows.net/${entra.tenantId}/`;
  accounts = awsAccounts();
  accounts.addUser({ accountId: ACCOUNT, name: 'proxy', key: KEY });
  accounts.addProvider({ accountId: ACCOUNT, url: `https://${provider}`, clientIds: [AUDIENCE] });
  accounts.putRole({
    arn: ROLE,
    trust: {
      Version: '2012-10-17',
      Statement: [
        {
          Effect: 'Allow',
          Principal: { AWS: `arn:aws:iam::${ACCOUNT}:user/proxy` },
          Action: ['sts:AssumeRole', 'sts:TagSession'],
          Condition: { StringEquals: { 'sts:ExternalId': 'azure' } },
        },
        {
          Effect: 'Allow',
          Principal: { Federated: `arn:aws:iam::${ACCOUNT}:oidc-provider/${provider}` },
          Action: 'sts:AssumeRoleWithWebIdentity',
          Condition: { StringEquals: { [`${provider}:sub`]: subject, [`${provider}:aud`]: AUDIENCE } },
        },
      ],
    },
  });
  const issuers = { [`https://${provider}`]: `${entra.authority}/${entra.tenantId}` };
  emulator = await startSts({ accounts, issuers, region: 'eu-central-1' });
});

afterEach(() => emulator.close());

function sts() {
  return createSts({ region: 'eu-central-1', endpoint: emulator.url });
}

function token(claims: Record<string, unknown> = {}): Promise<string> {
  return entra.issueToken({ aud: AUDIENCE, sub: subject, ...claims }, { version: 1 });
}

function signal(): AbortSignal {
  return new AbortController().signal;
}

async function refusal(call: Promise<unknown>): Promise<StsError> {
  const error = await call.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (!(error instanceof StsError)) throw new Error(`No refusal: ${String(error)}`);
  return error;
}

describe('AssumeRole', () => {
  it('sends name, tags, external id and duration, and gives what signs until it ends', async () => {
    const request = { ...REQUEST, tags: { team: 'a/b', cost: '1' }, externalId: 'azure', durationSeconds: 900 };
    const { expiration, accountId, roleSessionName, ...key } = await sts().assumeRole(KEY, request, signal());
    expect([accountId, roleSessionName]).toStrictEqual([ACCOUNT, 'team-a']);
    const principal = accounts.principal(key.accessKeyId);
    expect(principal).toMatchObject({
      arn: `arn:aws:sts::${ACCOUNT}:assumed-role/bedrock/team-a`,
      session: { tags: { team: 'a/b', cost: '1' } },
    });
    expect(key).toStrictEqual(principal?.key);
    expect(expiration).toStrictEqual(principal?.session?.expiresAt);
    expect(emulator.calls[0]?.parameters['DurationSeconds']).toBe('900');
  });

  it("signs at AWS's time, once that is known too", async () => {
    let offsetMs = 0;
    const { assumeRole } = createSts({ region: 'eu-central-1', endpoint: emulator.url, offsetMs: () => offsetMs });
    const request = { ...REQUEST, externalId: 'azure' };
    const signedAt = async () => {
      const before = emulator.requests.length;
      await assumeRole(KEY, request, signal());
      const date = String(emulator.requests[before]?.headers['x-amz-date']);
      return Date.parse(date.replace(/^(....)(..)(..)T(..)(..)(..)Z$/, '$1-$2-$3T$4:$5:$6Z'));
    };
    const first = await signedAt();
    offsetMs = 240_000;
    expect((await signedAt()) - first).toBeGreaterThanOrEqual(offsetMs);
  });

  it('takes keys of the environment, which are frozen', async () => {
    const { credentials } = readConfig({
      AWS_REGION: 'eu-central-1',
      AWS_ACCESS_KEY_ID: KEY.accessKeyId,
      AWS_SECRET_ACCESS_KEY: KEY.secretAccessKey,
    });
    if (credentials.base.source !== 'environment') throw new Error('Not by the environment.');
    const session = await sts().assumeRole(credentials.base.keys, { ...REQUEST, externalId: 'azure' }, signal());
    expect(session).toMatchObject({ accountId: ACCOUNT });
  });

  it('says who was refused, by code, status and request id', async () => {
    const error = await refusal(sts().assumeRole(KEY, REQUEST, signal()));
    expect(error).toMatchObject({ code: 'AccessDenied', status: 403 });
    expect(error.message).toContain(`arn:aws:iam::${ACCOUNT}:user/proxy is not authorized to perform: sts:AssumeRole`);
    expect(error.requestId).toMatch(/^[0-9a-f-]{36}$/);
  });
});

describe('AssumeRoleWithWebIdentity', () => {
  it('sends the token unsigned, with neither tags nor external id', async () => {
    const request = { ...REQUEST, tags: { team: 'a' }, externalId: 'azure' };
    const { accessKeyId } = await sts().assumeRoleWithWebIdentity(await token(), request, signal());
    expect(accounts.principal(accessKeyId)?.session).toMatchObject({ name: 'team-a', tags: {} });
    expect(emulator.requests[0]?.headers.authorization).toBeUndefined();
  });

  it('says that a session would be too long', async () => {
    const error = await refusal(
      sts().assumeRoleWithWebIdentity(await token(), { ...REQUEST, durationSeconds: 43_200 }, signal()),
    );
    expect(error.code).toBe('ValidationError');
    expect(error.message).toContain('exceeds the MaxSessionDuration set for this role');
  });

  it('never shows the token, whatever is wrong with it', async () => {
    const long = `${await token()}${'x'.repeat(20_000)}`;
    for (const bad of [long, await token({ aud: 'api://other' }), 'xyz', await token({ sub: 'other' })]) {
      const error = await refusal(sts().assumeRoleWithWebIdentity(bad, REQUEST, signal()));
      const shown = `${error.message} ${String(error.cause)} ${JSON.stringify(error)}`;
      expect(shown).not.toContain(bad);
      expect(shown).not.toContain(bad.slice(0, 40).padEnd(4, '?'));
    }
    expect(emulator.calls.map(({ outcome }) => outcome)).toStrictEqual([
      'ValidationError',
      'InvalidIdentityToken',
      'ValidationError',
      'AccessDenied',
    ]);
  });
});

describe('an STS in trouble', () => {
  it.each([
    'AccessDenied',
    'ExpiredTokenException',
    'IDPCommunicationError',
    'IDPRejectedClaim',
    'InvalidIdentityToken',
    'MalformedPolicyDocument',
    'PackedPolicyTooLarge',
    'RegionDisabledException',
  ])('%s is told by the code that STS has for it', async (code) => {
    emulator.fail({ status: 400, code, message: 'In its words.' });
    const error = await refusal(sts().assumeRoleWithWebIdentity(await token(), REQUEST, signal()));
    expect(error).toMatchObject({ code, status: 400 });
    expect(error.message).toBe(`STS has refused AssumeRoleWithWebIdentity (${code}): In its words.`);
  });

  it('is asked three times when it throttles, whatever the environment says', async () => {
    emulator.throttle();
    const error = await refusal(sts().assumeRoleWithWebIdentity(await token(), REQUEST, signal()));
    expect(error).toMatchObject({ code: 'Throttling', status: 400 });
    expect(emulator.requests).toHaveLength(3);
  });

  it('that is silent is given up at the signal', async () => {
    emulator.hang(true);
    const giveUp = new AbortController();
    const arrival = emulator.nextRequest();
    const call = refusal(sts().assumeRoleWithWebIdentity(await token(), REQUEST, giveUp.signal));
    await arrival;
    giveUp.abort();
    const error = await call;
    expect([error.code, error.message]).toStrictEqual([
      undefined,
      'STS has not answered in time for AssumeRoleWithWebIdentity.',
    ]);
  });

  it('that resets connections is an error with its cause', async () => {
    emulator.outage(true);
    const error = await refusal(sts().assumeRoleWithWebIdentity(await token(), REQUEST, signal()));
    expect(error.cause).toMatchObject({ code: 'ECONNRESET' });
    expect(error.message).toContain('could not be asked');
  });
});

describe('without an endpoint of its own', () => {
  it.each([
    ['eu-central-1', false, 'https://sts.eu-central-1.amazonaws.com'],
    // Not the global endpoint, which STS has for this region as well.
    ['us-east-1', false, 'https://sts.us-east-1.amazonaws.com'],
    ['us-west-2', true, 'https://sts-fips.us-west-2.amazonaws.com'],
    ['cn-north-1', false, 'https://sts.cn-north-1.amazonaws.com.cn'],
    ['us-gov-west-1', false, 'https://sts.us-gov-west-1.amazonaws.com'],
    ['us-gov-west-1', true, 'https://sts.us-gov-west-1.amazonaws.com'],
    ['us-gov-east-1', true, 'https://sts.us-gov-east-1.amazonaws.com'],
    ['cn-northwest-1', false, 'https://sts.cn-northwest-1.amazonaws.com.cn'],
    ['eu-isoe-west-1', false, 'https://sts.eu-isoe-west-1.cloud.adc-e.uk'],
    ['us-isof-south-1', false, 'https://sts.us-isof-south-1.csp.hci.ic.gov'],
    ['us-iso-east-1', false, 'https://sts.us-iso-east-1.c2s.ic.gov'],
    ['us-isob-east-1', false, 'https://sts.us-isob-east-1.sc2s.sgov.gov'],
    ['eusc-de-east-1', false, 'https://sts.eusc-de-east-1.amazonaws.eu'],
  ])('%s is asked in its region (FIPS: %s)', async (region, useFips, expected) => {
    expect(await endpointOf(stsOf({ AWS_REGION: region, AWS_USE_FIPS_ENDPOINT: String(useFips) }))).toBe(expected);
  });

  it.each([
    ['AWS_ENDPOINT_URL', 'http://127.0.0.1:9'],
    ['AWS_ENDPOINT_URL_STS', 'http://127.0.0.1:9'],
    ['AWS_USE_DUALSTACK_ENDPOINT', 'true'],
    ['AWS_STS_REGIONAL_ENDPOINTS', 'legacy'],
  ])('what the environment says by %s is not for the client to read', async (name, value) => {
    vi.stubEnv(name, value);
    onTestFinished(() => void vi.stubEnv(name, undefined));
    expect(await endpointOf(stsOf({ AWS_REGION: 'eu-central-1' }))).toBe('https://sts.eu-central-1.amazonaws.com');
  });
});

it.each(['true', 'false'])('an endpoint of its own is asked, whether FIPS is wanted (%s) or not', async (useFips) => {
  const settings = { AWS_REGION: 'ca-central-1', AWS_USE_FIPS_ENDPOINT: useFips };
  const endpoint = 'https://vpce-0abc.sts.{region}.vpce.amazonaws.com';
  expect(await endpointOf(stsOf({ ...settings, AWS_ENDPOINT_URL_STS: endpoint }))).toBe(
    'https://vpce-0abc.sts.ca-central-1.vpce.amazonaws.com',
  );
});

function stsOf(settings: Readonly<Record<string, string>>): StsOptions {
  const keys = { AWS_ACCESS_KEY_ID: KEY.accessKeyId, AWS_SECRET_ACCESS_KEY: KEY.secretAccessKey };
  return readConfig({ ...keys, ...settings }).credentials.sts;
}

/** Where the client would send a call, without sending it. */
async function endpointOf(options: StsOptions): Promise<string> {
  const client = new STSClient({ ...clientConfig(options), credentials: KEY });
  let host = '';
  client.middlewareStack.add(
    () => async (args) => {
      const { protocol, hostname } = args.request as { protocol: string; hostname: string };
      host = `${protocol}//${hostname}`;
      throw new Error('not sent');
    },
    { step: 'finalizeRequest', priority: 'low' },
  );
  const command = new AssumeRoleCommand({ RoleArn: ROLE, RoleSessionName: 'x' });
  await expect(client.send(command)).rejects.toThrow('not sent');
  return host;
}
