import { randomBytes, randomUUID } from 'node:crypto';

import { type Answer, type Endpoint, type RecordedRequest, startJsonServer } from '../azure/json-server.ts';
import { AwsError } from '../bedrock/aws-error.ts';
import { type BedrockKey, verifySignature } from '../bedrock/sigv4-verifier.ts';
import { evaluate, type PolicyDocument } from '../sts/policy.ts';
import { errorDocument, StsError } from '../sts/sts-error.ts';
import { type Content, element } from '../sts/xml.ts';

/** An access key of the user, as IAM lists it. */
export interface UserKey extends BedrockKey {
  active: boolean;
  readonly createdAt: Date;
  /** Of the service that it was last used for. */
  lastUsedFor?: string;
}

export interface IamOptions {
  readonly userName: string;
  readonly accountId: string;
  /** By which the administrator signs. */
  readonly administrator: BedrockKey;
}

/** IAM and the one action of STS that asks who somebody is, for one user of one account, on the loopback interface. */
export interface Iam extends Endpoint {
  /** Of the user, the oldest first. */
  readonly keys: readonly UserKey[];
  /** Names and documents of the user's own policies. */
  readonly policies: Map<string, string>;
  /** What was done, the calls that only read left out: `CreateAccessKey AKIA…`. */
  readonly deeds: readonly string[];
  addKey(key: Partial<UserKey>): UserKey;
  /** AWS does not know a new key for the next so many questions by that key. */
  lagFor(questions: number): void;
  fail(status: number, code: string, times?: number): void;
}

const VERSION = { iam: '2010-05-08', sts: '2011-06-15' } as const;
const MOST_KEYS = 2;
/** Of all inline policies of a user together; IAM does not count white space. */
const MOST_INLINE_CHARACTERS = 2048;

export async function startIam({ userName, accountId, administrator }: IamOptions): Promise<Iam> {
  const keys: UserKey[] = [];
  const policies = new Map<string, string>();
  const deeds: string[] = [];
  let lagging = 0;

  const arn = `arn:aws:iam::${accountId}:user/${userName}`;
  const actions: Readonly<Record<string, (form: URLSearchParams) => Content>> = {
    ListAccessKeys: () => ({
      AccessKeyMetadata: {
        member: keys.map(({ accessKeyId, active, createdAt }) => ({
          UserName: userName,
          AccessKeyId: accessKeyId,
          Status: active ? 'Active' : 'Inactive',
          CreateDate: createdAt.toISOString(),
        })),
      },
      IsTruncated: 'false',
    }),
    CreateAccessKey() {
      if (keys.length >= MOST_KEYS)
        throw new StsError(409, 'LimitExceeded', 'Cannot exceed quota for AccessKeysPerUser: 2');
      const { accessKeyId, secretAccessKey, createdAt } = iam.addKey({});
      return {
        AccessKey: {
          UserName: userName,
          AccessKeyId: accessKeyId,
          Status: 'Active',
          SecretAccessKey: secretAccessKey,
          CreateDate: createdAt.toISOString(),
        },
      };
    },
    UpdateAccessKey(form) {
      keyIn(form).active = form.get('Status') === 'Active';
      return {};
    },
    DeleteAccessKey(form) {
      keys.splice(keys.indexOf(keyIn(form)), 1);
      return {};
    },
    GetAccessKeyLastUsed(form) {
      const { lastUsedFor = 'N/A' } = keyIn(form);
      return { UserName: userName, AccessKeyLastUsed: { ServiceName: lastUsedFor, Region: 'us-east-1' } };
    },
    GetUser: () => ({ User: { UserName: userName, UserId: 'AIDA', Arn: arn, Path: '/' } }),
    SimulatePrincipalPolicy(form) {
      if (form.get('PolicySourceArn') !== arn) throw new StsError(404, 'NoSuchEntity', 'No such entity.');
      const keyNames = listIn(form, 'ContextEntries', '.ContextKeyName');
      const context = Object.fromEntries(
        keyNames.map((name, index) => [name, form.get(`ContextEntries.member.${index + 1}.ContextKeyValues.member.1`)]),
      ) as Record<string, string>;
      const member = listIn(form, 'ActionNames').flatMap((action) =>
        listIn(form, 'ResourceArns').map((resource) => ({
          EvalActionName: action,
          EvalResourceName: resource,
          EvalDecision: decide({ action, resource, context }),
        })),
      );
      return { EvaluationResults: { member }, IsTruncated: 'false' };
    },
    PutUserPolicy(form) {
      const put = new Map(policies).set(form.get('PolicyName') ?? '', form.get('PolicyDocument') ?? '');
      if ([...put.values()].join('').replaceAll(/\s/g, '').length > MOST_INLINE_CHARACTERS) {
        const message = `Maximum policy size of ${MOST_INLINE_CHARACTERS} bytes exceeded for user ${userName}`;
        throw new StsError(409, 'LimitExceeded', message);
      }
      for (const [name, text] of put) policies.set(name, text);
      return {};
    },
  };

  function decide(request: { action: string; resource: string; context: Record<string, string> }): string {
    const effects = new Set(
      Array.from(policies.values(), (text) => evaluate(JSON.parse(text) as PolicyDocument, request)),
    );
    if (effects.has('deny')) return 'explicitDeny';
    return effects.has('allow') ? 'allowed' : 'implicitDeny';
  }

  function keyIn(form: URLSearchParams): UserKey {
    const id = form.get('AccessKeyId');
    const key = keys.find(({ accessKeyId }) => accessKeyId === id);
    if (key === undefined) throw new StsError(404, 'NoSuchEntity', `The Access Key with id ${id} cannot be found.`);
    return key;
  }

  function answer(request: RecordedRequest, body: Buffer): Answer {
    const form = new URLSearchParams(body.toString());
    const action = form.get('Action') ?? '';
    const asks = action === 'GetCallerIdentity';
    try {
      const caller = callerOf(request, body, asks ? 'sts' : 'iam');
      if (form.get('Version') !== VERSION[asks ? 'sts' : 'iam']) throw new StsError(400, 'InvalidAction', action);
      if (asks) {
        const found = keys.find(({ accessKeyId }) => accessKeyId === caller);
        if (found === undefined) throw new Error('Only the user asks who it is.');
        found.lastUsedFor ??= 'sts';
        return document(action, {
          Arn: arn,
          UserId: 'AIDA',
          Account: accountId,
        });
      }
      if (caller !== administrator.accessKeyId)
        throw new StsError(403, 'AccessDenied', 'The user may not manage keys.');
      if ((form.get('UserName') ?? userName) !== userName) throw new StsError(404, 'NoSuchEntity', 'No such user.');
      const run = actions[action];
      if (run === undefined) throw new Error(`The emulator has no ${action}.`);
      const content = run(form);
      if (!/^(?:List|Get|Simulate)/.test(action))
        deeds.push(`${action} ${form.get('AccessKeyId') ?? keys.at(-1)?.accessKeyId ?? ''}`);
      return document(action, content);
    } catch (error) {
      if (!(error instanceof StsError)) throw error;
      return refusal(error);
    }
  }

  /** Id of the key that has signed. @throws StsError when it is not known, not active, or has not */
  function callerOf({ method, rawHeaders }: RecordedRequest, body: Buffer, service: 'iam' | 'sts'): string {
    const known = [administrator, ...keys.filter(({ active }) => active)];
    const { accessKeyId = '', refusal: refused } = verifySignature(
      { method, target: '/', rawHeaders, body },
      { region: 'us-east-1', service, now: new Date(), keyFor: (id) => known.find((key) => key.accessKeyId === id) },
    );
    const lags = accessKeyId !== administrator.accessKeyId && lagging > 0;
    if (lags) lagging -= 1;
    if (refused instanceof AwsError || lags) {
      throw new StsError(403, 'InvalidClientTokenId', 'The security token included in the request is invalid.');
    }
    return accessKeyId;
  }

  function document(action: string, content: Content): Answer {
    const namespace = `https://${action === 'GetCallerIdentity' ? 'sts' : 'iam'}.amazonaws.com/doc/`;
    return xml(200, (RequestId) =>
      element(`${action}Response`, { [`${action}Result`]: content, ResponseMetadata: { RequestId } }, namespace),
    );
  }

  const refusal = (error: StsError) => xml(error.status, (requestId) => errorDocument(error, requestId));
  const { override, ...endpoint } = await startJsonServer(answer);
  const iam: Iam = {
    ...endpoint,
    keys,
    policies,
    deeds,
    addKey(given) {
      const key = {
        accessKeyId: `AKIA${randomBytes(8).toString('hex').toUpperCase()}`,
        secretAccessKey: randomBytes(30).toString('base64'),
        active: true,
        createdAt: new Date(),
        ...given,
      };
      keys.push(key);
      return key;
    },
    lagFor(questions) {
      lagging = questions;
    },
    fail: (status, code, times = Number.POSITIVE_INFINITY) =>
      override(refusal(new StsError(status, code, 'Failed on demand.')), times),
  };
  return iam;
}

/** `Name.member.1`, `Name.member.2` … of the query protocol. */
function listIn(form: URLSearchParams, name: string, below = ''): string[] {
  const all: string[] = [];
  for (let value; (value = form.get(`${name}.member.${all.length + 1}${below}`)) !== null;) all.push(value);
  return all;
}

function xml(status: number, bodyFor: (requestId: string) => string): Answer {
  const requestId = randomUUID();
  const headers = { 'content-type': 'text/xml', 'x-amzn-requestid': requestId };
  return { status, headers, body: Buffer.from(bodyFor(requestId)) };
}
