import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { loadAwsServiceSpecSync } from '@aws-cdk/aws-service-spec';
import { AssumeRoleCommand, AssumeRoleWithWebIdentityCommand, STSClient, type Credentials } from '@aws-sdk/client-sts';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';

import { startEntra, type Entra } from '../../emulators/azure/entra.ts';
import { awsAccounts } from '../../emulators/sts/accounts.ts';
import type { PolicyDocument, Statement } from '../../emulators/sts/policy.ts';
import { startSts, type StsEmulator } from '../../emulators/sts/sts.ts';
import { root } from '../../support/root.ts';
import { deployStack, roleOf } from './stack-accounts.ts';
import { renderStack, TEMPLATE } from './template.ts';

const HOME = '111122223333';
const OTHER = '444455556666';
const TARGET = `arn:aws:iam::${OTHER}:role/bedrock-target`;
const AUDIENCE = 'api://aws-bedrock';

/** What CloudFormation knows, as AWS publishes it for its own CDK. */
const specification = loadAwsServiceSpecSync();
const template = parse(readFileSync(TEMPLATE, 'utf8'), { logLevel: 'silent' }) as {
  Resources: Record<string, { Type: string; Properties: Record<string, unknown> }>;
};

describe('the resources of the template', () => {
  it.each(Object.entries(template.Resources))('%s has the properties of its type', (_name, { Type, Properties }) => {
    const { properties } = specification.lookup('resource', 'cloudFormationType', 'equals', Type).only();
    const required = Object.keys(properties).filter((name) => properties[name]?.required === true);
    expect(Object.keys(properties)).toEqual(expect.arrayContaining(Object.keys(Properties)));
    expect(Object.keys(Properties)).toEqual(expect.arrayContaining(required));
  });
});

const KEYLESS = { TenantId: randomUUID(), Audience: AUDIENCE, IdentityObjectIds: randomUUID() };

function jsonBlocks(file: string): unknown[] {
  const text = readFileSync(join(root, file), 'utf8');
  return Array.from(text.matchAll(/```json\n(.*?)```/gs), ([, json = '']) => JSON.parse(json) as unknown);
}

describe('what may be called', () => {
  const [documented] = jsonBlocks('infra/SECURITY.md') as PolicyDocument[];

  // What is written is held against the operations by test/docs/iam.test.ts.
  it('is what the first policy that is written down says, without what the template can add', () => {
    const { policy } = roleOf({ ...KEYLESS, Discovery: 'false' }, HOME);
    const said = (statements: readonly Statement[] = []) =>
      statements.map((statement) => ({ ...statement, Resource: [statement.Resource].flat() }));
    expect(said(policy.Statement)).toStrictEqual(said(documented?.Statement));
  });

  it.each<[string, Record<string, string>, Partial<Statement>]>([
    ['Discovery', {}, { Resource: '*' }],
    ['Models', { ModelArns: 'arn:a,arn:b' }, { Resource: ['arn:a', 'arn:b'] }],
    ['Guardrails', { GuardrailArns: 'arn:g' }, { Resource: ['arn:g'] }],
    ['AsyncOutput', { AsyncOutputBucket: 'videos' }, { Action: 's3:PutObject', Resource: 'arn:aws:s3:::videos/*' }],
    ['Targets', { TargetRoleArns: TARGET }, { Action: ['sts:AssumeRole', 'sts:TagSession'], Resource: [TARGET] }],
    ['Itself', { SessionTagKeys: 'team' }, { Resource: `arn:aws:iam::${HOME}:role/bedrock-proxy` }],
  ])('has the statement %s as its parameter says', (Sid, parameters, statement) => {
    const found = (given: Record<string, string>) =>
      roleOf({ ...KEYLESS, ...given }, HOME).policy.Statement.find((one) => one.Sid === Sid);
    expect(found(parameters)).toMatchObject(statement);
    expect(found({ Discovery: 'false' })).not.toStrictEqual(found(parameters));
  });
});

describe('who is trusted', () => {
  let entra: Entra;
  let sts: StsEmulator;
  const accounts = awsAccounts();
  const clients: STSClient[] = [];

  beforeAll(async () => {
    entra = await startEntra();
    const issuers = { [`https://sts.windows.net/${entra.tenantId}/`]: `${entra.authority}/${entra.tenantId}` };
    sts = await startSts({ accounts, issuers });
  });

  afterAll(async () => {
    for (const made of clients) made.destroy();
    await Promise.all([entra.close(), sts.close()]);
  });

  function client(by?: Credentials): STSClient {
    const { AccessKeyId: accessKeyId = 'none', SecretAccessKey: secretAccessKey = 'none', SessionToken } = by ?? {};
    const sessionToken = SessionToken === undefined ? {} : { sessionToken: SessionToken };
    const made = new STSClient({
      endpoint: sts.url,
      region: sts.region,
      credentials: { accessKeyId, secretAccessKey, ...sessionToken },
    });
    clients.push(made);
    return made;
  }

  async function webSession(RoleArn: string, claims: Record<string, unknown>): Promise<Credentials | undefined> {
    const WebIdentityToken = await entra.issueToken({ aud: AUDIENCE, ...claims }, { version: 1 });
    const input = { RoleArn, RoleSessionName: 'team-a', WebIdentityToken };
    return (await client().send(new AssumeRoleWithWebIdentityCommand(input))).Credentials;
  }

  it('lets in the named identities of the tenant, by the audience, and nobody else', async () => {
    const [one, other] = [randomUUID(), randomUUID()];
    const parameters = { TenantId: entra.tenantId, Audience: AUDIENCE, IdentityObjectIds: `${one},${other}` };
    const { arn } = deployStack(accounts, parameters, HOME);
    for (const sub of [one, other]) await expect(webSession(arn, { sub })).resolves.toBeDefined();
    await expect(webSession(arn, { sub: entra.callerObjectId })).rejects.toThrow('Not authorized');
    await expect(webSession(arn, { sub: one, aud: 'api://other' })).rejects.toThrow('Incorrect token audience');
  });

  it('lets nobody in when no identity is named', async () => {
    const parameters = { TenantId: entra.tenantId, Audience: AUDIENCE, RoleName: 'nobody' };
    const { arn } = deployStack(accounts, parameters, HOME);
    for (const sub of ['', randomUUID()]) {
      await expect(webSession(arn, { sub })).rejects.toThrow('Not authorized');
    }
  });

  it('lets the role go on to one of another account, with external id and the tags that both allow', async () => {
    const sub = randomUUID();
    const home = deployStack(
      accounts,
      {
        TenantId: entra.tenantId,
        Audience: AUDIENCE,
        IdentityObjectIds: sub,
        RoleName: 'going-on',
        TargetRoleArns: TARGET,
      },
      HOME,
    );
    deployStack(
      accounts,
      { RoleName: 'bedrock-target', TrustedPrincipalArn: home.arn, ExternalId: 'azure', SessionTagKeys: 'team' },
      OTHER,
    );
    const session = await webSession(home.arn, { sub });
    const assume = (input: object) =>
      client(session).send(new AssumeRoleCommand({ RoleArn: TARGET, RoleSessionName: 'team-a', ...input }));
    const good = { ExternalId: 'azure', Tags: [{ Key: 'team', Value: 'a' }] };
    await expect(assume(good)).resolves.toMatchObject({
      AssumedRoleUser: { Arn: `arn:aws:sts::${OTHER}:assumed-role/bedrock-target/team-a` },
    });
    await expect(assume({ ...good, ExternalId: 'other' })).rejects.toThrow('not authorized');
    await expect(assume({ ...good, Tags: [{ Key: 'other', Value: 'a' }] })).rejects.toThrow('not authorized');
    await expect(assume({ RoleArn: `${TARGET}-other` })).rejects.toThrow('not authorized');
  });

  it('lets a role with tags assume itself, and no other of the account', async () => {
    const sub = randomUUID();
    const parameters = { TenantId: entra.tenantId, Audience: AUDIENCE, IdentityObjectIds: sub };
    const tagged = deployStack(accounts, { ...parameters, RoleName: 'tagged', SessionTagKeys: 'team' }, HOME);
    const plain = deployStack(accounts, { ...parameters, RoleName: 'plain', TargetRoleArns: tagged.arn }, HOME);
    const input = { RoleArn: tagged.arn, RoleSessionName: 'team-a', Tags: [{ Key: 'team', Value: 'a' }] };
    const assume = async (role: string) => client(await webSession(role, { sub })).send(new AssumeRoleCommand(input));
    await expect(assume(tagged.arn)).resolves.toBeDefined();
    await expect(assume(plain.arn)).rejects.toThrow('not authorized');
  });
});

describe('parameters', () => {
  it('leaves a provider that is there alone', () => {
    expect(Object.keys(renderStack(KEYLESS, { accountId: HOME }))).toStrictEqual(['Provider', 'Role']);
    const existing = { ...KEYLESS, CreateProvider: 'false' };
    expect(Object.keys(renderStack(existing, { accountId: HOME }))).toStrictEqual(['Role']);
  });

  it.each([
    ['TenantId', 'contoso'],
    ['Audience', 'aws"bedrock'],
    ['IdentityObjectIds', `${randomUUID()},*`],
    ['SessionTagKeys', 'team"'],
    ['TargetRoleArns', '*'],
    ['TrustedPrincipalArn', '*'],
    ['ExternalId', 'a b'],
  ])('refuses for %s: %s', (name, value) => {
    expect(() => renderStack({ ...KEYLESS, [name]: value }, { accountId: HOME })).toThrow(name);
  });

  it('is of the partition that it is deployed in', () => {
    const { Role } = renderStack(KEYLESS, { accountId: HOME, partition: 'aws-cn' });
    expect(Role?.Properties['AssumeRolePolicyDocument']).toContain(`"arn:aws-cn:iam::${HOME}:oidc-provider/`);
  });
});

describe('README', () => {
  it('shows the trust policy of the template', () => {
    const [trust] = jsonBlocks('infra/aws/README.md');
    const TenantId = '11111111-2222-3333-4444-555555555555';
    const parameters = { TenantId, Audience: 'api://aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee' };
    const IdentityObjectIds = '66666666-7777-8888-9999-000000000000';
    const rendered = roleOf({ ...parameters, IdentityObjectIds }, HOME).trust;
    expect(trust).toStrictEqual(rendered);
  });
});
