import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';

import { createAws } from '../../../infra/verify/aws/create-aws.ts';
import { fail } from '../../emulators/bedrock/faults.ts';
import { type Chain, startChain } from '../../emulators/chain.ts';
import { type Iam, startIam } from '../../emulators/iam/iam.ts';
import { environmentOf, SECRET, startWorld, type World } from './azure-state.ts';
import { runVerify } from './command-line.ts';
import { expectSaid } from './said.ts';
import { statuses, verify, type VerifyOptions } from './verified.ts';

const CLIENT = '198.51.100.7';
const DAY_MS = 86_400_000;

let chain: Chain;
let iam: Iam;
let world: World;
beforeAll(async () => {
  chain = await startChain();
});
afterAll(() => chain.close());
beforeEach(async () => {
  iam = await startIam({ userName: 'bedrock-proxy', accountId: '111122223333', administrator: chain.key });
  iam.addKey({ accessKeyId: 'AKIAUSED00000000USED', lastUsedFor: 'bedrock' });
  world = await startWorld(chain);
  world.azure.change(SECRET, (held) => ({ ...held, tags: { 'aws-access-key-id-ends-with': 'USED' } }));
  world.tools['azd env get-values'] = { found: { ...environmentOf(chain), BEDROCK_CLIENT_ADDRESS: CLIENT } };
  allow({ Action: 'bedrock:*' });
  for (const [name, value] of Object.entries(environment())) vi.stubEnv(name, value);
});
afterEach(async () => {
  vi.unstubAllEnvs();
  chain.services.bedrock.reset();
  await Promise.all([iam.close(), world.close()]);
});

const environment = () => ({
  AWS_ACCESS_KEY_ID: chain.key.accessKeyId,
  AWS_SECRET_ACCESS_KEY: chain.key.secretAccessKey,
  AWS_ENDPOINT_URL_IAM: iam.url,
  AWS_ENDPOINT_URL_BEDROCK: chain.services.bedrock.url,
  AWS_REGION: 'us-east-1',
});

/** The user's one policy. */
function allow(...statements: object[]): void {
  const usual = { Effect: 'Allow', Resource: '*' };
  const Statement = statements.map((each) => Object.assign({}, usual, each));
  iam.policies.set('bedrock', JSON.stringify({ Version: '2012-10-17', Statement }));
}

async function lookAtAws(options: VerifyOptions = {}, principal = 'bedrock-proxy') {
  const aws = createAws(principal, 'us-east-1');
  return verify(chain.gateway, { azure: await world.look(), aws, ...options, only: ['21', '22', '23'] });
}

describe('check 21', () => {
  it('finds the one key, and that it is the one in the vault', async () => {
    expectSaid(await lookAtAws(), '21', {
      status: 'ok',
      evidence: '…USED, 0 days old, last used for bedrock; the one in the vault',
    });
  });

  it('says when the user has no active key', async () => {
    for (const key of iam.keys) key.active = false;
    expectSaid(await lookAtAws(), '21', {
      status: 'failed',
      evidence: 'bedrock-proxy has no active access key',
      remedy: /^infra\/scripts\/store-aws-credentials\.ts/,
    });
  });

  it('says when the vault has a key that is not active: deleted, disabled, or of somebody else', async () => {
    world.azure.change(SECRET, (held) => ({ ...held, tags: { 'aws-access-key-id-ends-with': 'DEAD' } }));
    expectSaid(await lookAtAws(), '21', {
      status: 'failed',
      evidence: 'the vault has the key …DEAD, active is …USED',
      remedy: /^infra\/scripts\/store-aws-credentials\.ts/,
    });
  });

  it('says when two keys are active', async () => {
    iam.addKey({ accessKeyId: 'AKIAOTHER0000000LEFT' });
    expectSaid(await lookAtAws(), '21', {
      status: 'warning',
      evidence: '2 active keys: …USED, …LEFT',
      remedy: /rotate-aws-keys\.ts ends the first$/,
    });
  });

  it('says when the key is old', async () => {
    const [key] = iam.keys;
    Object.assign(key ?? {}, { createdAt: new Date(Date.now() - 100 * DAY_MS) });
    expectSaid(await lookAtAws(), '21', {
      status: 'warning',
      evidence: /^…USED, 100 days old,/,
      remedy: 'infra/scripts/rotate-aws-keys.ts replaces the key without a failed call',
    });
  });

  it('says when there is no such user, and when nobody may look', async () => {
    expectSaid(await lookAtAws({}, 'somebody-else'), '21', {
      status: 'failed',
      evidence: 'the IAM user somebody-else is missing',
      remedy: 'aws iam create-user: infra/README.md',
    });
    iam.fail(403, 'AccessDenied');
    expectSaid(await lookAtAws(), '21', { status: 'skipped', evidence: 'AWS does not tell: AccessDenied' });
  });

  it('has nothing to look at for a role, and nothing to compare without a tag', async () => {
    expectSaid(await lookAtAws({}, 'arn:aws:iam::111122223333:role/bedrock-proxy'), '21', {
      status: 'skipped',
      evidence: 'a role has no access key',
    });
    world.azure.change(SECRET, (held) => ({ ...held, tags: {} }));
    expectSaid(await lookAtAws(), '21', {
      status: 'ok',
      evidence: /; not compared with the vault$/,
    });
  });
});

describe('check 22', () => {
  it('finds what is allowed, and that it is from anywhere', async () => {
    expectSaid(await lookAtAws(), '22', {
      status: 'ok',
      evidence: `2 calls of amazon.nova-lite-v1:0 are allowed from ${CLIENT}, from other addresses too`,
    });
  });

  it('finds that it is from one address only', async () => {
    const Condition = {
      NotIpAddress: { 'aws:SourceIp': `${CLIENT}/32` },
      Bool: { 'aws:ViaAWSService': 'false' },
    };
    allow({ Action: 'bedrock:*' }, { Effect: 'Deny', Action: '*', Condition });
    expectSaid(await lookAtAws(), '22', { status: 'ok', evidence: /, from there only$/ });
  });

  it('says when the policy is for another address', async () => {
    const Condition = { NotIpAddress: { 'aws:SourceIp': '192.0.2.1/32' }, Bool: { 'aws:ViaAWSService': 'false' } };
    allow({ Action: 'bedrock:*' }, { Effect: 'Deny', Action: '*', Condition });
    expectSaid(await lookAtAws(), '22', {
      status: 'failed',
      evidence: `bedrock:InvokeModel on arn:aws:bedrock:us-east-1::foundation-model/amazon.nova-lite-v1:0 from ${CLIENT}: explicitDeny`,
      remedy: /^A statement denies it: a condition aws:SourceIp/,
    });
  });

  it('says when streams are left out', async () => {
    allow({ Action: 'bedrock:InvokeModel' });
    expectSaid(await lookAtAws(), '22', {
      status: 'failed',
      evidence: /^bedrock:InvokeModelWithResponseStream on .*: implicitDeny$/,
      remedy: /^The policies lack the action or the ARN: infra\/SECURITY\.md/,
    });
  });

  it('says when a profile is allowed and its model is not', async () => {
    const profile = 'arn:aws:bedrock:us-east-1:111122223333:inference-profile/us.amazon.nova-lite-v1:0';
    allow({ Action: 'bedrock:*', Resource: profile });
    const modelId = 'us.amazon.nova-lite-v1:0';
    expectSaid(await lookAtAws({ modelId }), '22', {
      status: 'failed',
      evidence: /^bedrock:InvokeModel on arn:aws:bedrock:us-east-1::foundation-model\/amazon.*: implicitDeny$/,
      remedy: /, and which ARNs an inference profile needs$/,
    });
    const model = 'arn:aws:bedrock:us-east-1::foundation-model/amazon.nova-lite-v1:0';
    const Condition = { StringLike: { 'bedrock:InferenceProfileArn': profile } };
    allow({ Action: 'bedrock:Invoke*', Resource: profile }, { Action: 'bedrock:Invoke*', Resource: model, Condition });
    expectSaid(await lookAtAws({ modelId }), '22', {
      status: 'warning',
      evidence:
        /^4 calls of us\.amazon\.nova-lite-v1:0 are allowed from .*; served, but not allowed: bedrock:CountTokens,/,
      remedy: /^infra\/SECURITY\.md has the policies/,
    });
  });

  it('says what else is served and not allowed', async () => {
    allow({ Action: ['bedrock:InvokeModel*', 'bedrock:CountTokens', 'bedrock:List*', 'bedrock:Get*'] });
    expectSaid(await lookAtAws(), '22', {
      status: 'warning',
      evidence: /; served, but not allowed: bedrock:InvokeGuardrailChecks$/,
      remedy: /^infra\/SECURITY\.md has the policies/,
    });
  });

  it('says when there is no such user', async () => {
    expectSaid(await lookAtAws({}, 'somebody-else'), '22', {
      status: 'failed',
      evidence: 'the user or role is missing',
      remedy: 'Name it as IAM does: --aws <user or ARN>',
    });
  });
});

describe('check 23', () => {
  const available = {
    modelId: 'amazon.nova-lite-v1:0',
    agreementAvailability: { status: 'AVAILABLE' },
    authorizationStatus: 'AUTHORIZED',
    entitlementAvailability: 'AVAILABLE',
    regionAvailability: 'AVAILABLE',
  };

  it('finds that the model can be called, by the name of a profile too', async () => {
    const evidence =
      'amazon.nova-lite-v1:0 in us-east-1: agreement AVAILABLE, AUTHORIZED, entitlement AVAILABLE, region AVAILABLE';
    expectSaid(await lookAtAws(), '23', { status: 'ok', evidence });
    expectSaid(await lookAtAws({ modelId: 'us.amazon.nova-lite-v1:0' }), '23', { status: 'ok', evidence });
  });

  it.each([
    [
      'the region does not have it',
      { regionAvailability: 'NOT_AVAILABLE' },
      /, region NOT_AVAILABLE$/,
      'Name one that us-east-1 has: --model',
    ],
    [
      'it is not enabled',
      { agreementAvailability: { status: 'NOT_AVAILABLE' } },
      /: agreement NOT_AVAILABLE,/,
      /^An administrator calls it once/,
    ],
    [
      'a policy of the organisation denies it',
      { authorizationStatus: 'NOT_AUTHORIZED' },
      /, NOT_AUTHORIZED,/,
      /^A service control policy/,
    ],
    [
      'the account is not entitled',
      { entitlementAvailability: 'NOT_AVAILABLE' },
      /, entitlement NOT_AVAILABLE,/,
      /^A service control policy/,
    ],
  ])('says when %s', async (_, answer, evidence, remedy) => {
    chain.services.bedrock.answer((_request, response) => {
      response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ ...available, ...answer }));
    });
    expectSaid(await lookAtAws(), '23', {
      status: 'failed',
      evidence,
      remedy,
    });
  });

  it('says when there is no such model, and when nobody may look', async () => {
    chain.services.bedrock.answer(fail(400, 'ValidationException', 'The provided model identifier is invalid.'));
    expectSaid(await lookAtAws(), '23', {
      status: 'failed',
      evidence: 'the model amazon.nova-lite-v1:0 is missing',
      remedy: 'Name one that us-east-1 has: --model',
    });
    chain.services.bedrock.reset();
    chain.services.bedrock.answer(fail(403, 'AccessDeniedException', 'Not authorized.'));
    expectSaid(await lookAtAws(), '23', {
      status: 'skipped',
      evidence: 'AWS does not tell: AccessDeniedException',
    });
  });

  it('cannot tell what is behind an application inference profile', async () => {
    const modelId = 'arn:aws:bedrock:us-east-1:111122223333:application-inference-profile/abc123def456';
    expectSaid(await lookAtAws({ modelId }), '23', {
      status: 'skipped',
      evidence: 'which model is behind this ARN, only a call tells',
    });
  });
});

it('is part of the command by --aws only, and shows no more of a key than its end', async () => {
  const words = [chain.gateway.url, '--no-calls', '--json'];
  const env = { VERIFY_KEY: chain.gateway.subscriptionKey, ...environment() };
  const ids = (text: string) => (JSON.parse(text) as { checks: { id: string }[] }).checks.map(({ id }) => id);
  expect(ids((await runVerify(words, env)).stdout)).not.toContain('21');
  const { code, stdout, stderr } = await runVerify([...words, '--aws', 'bedrock-proxy'], env);
  expect({ code, stderr }).toStrictEqual({ code: 0, stderr: '' });
  expect(ids(stdout).slice(-3)).toStrictEqual(['21', '22', '23']);
  expect(stdout).toContain('…USED, 0 days old');
  expect(stdout).not.toContain('AKIA');
});

it('says that nobody is signed in to AWS', async () => {
  vi.stubEnv('AWS_ACCESS_KEY_ID', undefined);
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', undefined);
  vi.stubEnv('AWS_EC2_METADATA_DISABLED', 'true');
  vi.stubEnv('HOME', '/nonexistent');
  const aws = createAws('bedrock-proxy', 'us-east-1');
  const results = await verify(chain.gateway, { azure: await world.look(), aws, only: ['21', '22', '23'] });
  expect(statuses(results)).toStrictEqual({ skipped: ['21', '22', '23'] });
  expect(results['21']?.evidence).toBe('nobody is signed in to AWS: AWS_PROFILE, or aws sso login');
});
