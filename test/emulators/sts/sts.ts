import { randomUUID } from 'node:crypto';
import { startJsonServer, type Answer, type Endpoint, type RecordedRequest } from '../azure/json-server.ts';
import type { AwsAccounts } from './accounts.ts';
import { assumableRole } from './assume-role.ts';
import { checkRegion, issueSession } from './issue.ts';
import { invalid, isAction, readParameters } from './parameters.ts';
import { callerOf } from './signature.ts';
import { errorDocument, NAMESPACE, StsError } from './sts-error.ts';
import { trustedIdentity } from './web-identity.ts';
import { element, type Content } from './xml.ts';

export interface StsOptions {
  readonly accounts: AwsAccounts;
  /** Region of the endpoint, which a signature must be scoped to; `us-east-1` by default. */
  readonly region?: string;
  /** Regions in which the accounts have not switched STS on. */
  readonly disabledRegions?: readonly string[];
  /** Where to read the OpenID configuration of an issuer, when that is not the issuer itself; without trailing slash. */
  readonly issuers?: Readonly<Record<string, string>>;
  /** AWS's time. */
  readonly clock?: () => Date;
}

/** A call that has been answered: what was asked for, and what became of it. */
export interface StsCall {
  readonly action: string;
  /** As they were sent, the token of a web identity among them. */
  readonly parameters: Readonly<Record<string, string>>;
  /** `OK`, or the code of the refusal. */
  readonly outcome: string;
}

/** A regional endpoint of AWS STS on the loopback interface: Query API, version 2011-06-15. */
export interface StsEmulator extends Endpoint {
  readonly region: string;
  /** In the order of their answers; calls met by `fail`, `throttle`, `outage` or `hang` are in `requests` only. */
  readonly calls: readonly StsCall[];
  /** Answers the next `times` calls (without it: all) with this refusal; 0 times ends it. */
  fail(refusal: { status: number; code: string; message?: string }, times?: number): void;
  /** The next `times` calls (without it: all) are too many: 400, as STS says it. */
  throttle(times?: number): void;
}

/** Starts the emulator. */
export async function startSts(options: StsOptions): Promise<StsEmulator> {
  const { accounts, region = 'us-east-1', disabledRegions = [], issuers = {}, clock = () => new Date() } = options;
  const calls: StsCall[] = [];

  async function answer(request: RecordedRequest, body: Buffer): Promise<Answer> {
    const form = new URLSearchParams(body.toString());
    const action = form.get('Action') ?? '';
    const note = (outcome: string) => calls.push({ action, parameters: Object.fromEntries(form), outcome });
    try {
      checkEnvelope(request, form);
      const content = await (action === 'AssumeRole' ? assumeRole(request, body, form) : withWebIdentity(form));
      note('OK');
      return document(200, (requestId) =>
        element(
          `${action}Response`,
          { [`${action}Result`]: content, ResponseMetadata: { RequestId: requestId } },
          NAMESPACE,
        ),
      );
    } catch (error) {
      if (!(error instanceof StsError)) throw error;
      note(error.code);
      return refusal(error);
    }
  }

  function assumeRole(request: RecordedRequest, body: Buffer, form: URLSearchParams): Content {
    const now = clock();
    const caller = callerOf(request, body, { accounts, region, now });
    const parameters = readParameters('AssumeRole', form);
    checkRegion(parameters.RoleArn, region, disabledRegions);
    const { role, inherited } = assumableRole(accounts, caller, parameters);
    const chained = caller.session !== undefined;
    return issueSession(accounts, role, parameters, { now, chained, inherited }).content;
  }

  async function withWebIdentity(form: URLSearchParams): Promise<Content> {
    const now = clock();
    const parameters = readParameters('AssumeRoleWithWebIdentity', form);
    checkRegion(parameters.RoleArn, region, disabledRegions);
    const { role, identity, providerArn } = await trustedIdentity(accounts, parameters, { issuers, now });
    const { content } = issueSession(accounts, role, parameters, { now, chained: false });
    return {
      ...content,
      SubjectFromWebIdentityToken: identity.subject,
      Audience: identity.audience,
      Provider: providerArn,
    };
  }

  function refusal(error: StsError): Answer {
    return document(error.status, (requestId) => errorDocument(error, requestId));
  }

  function document(status: number, bodyFor: (requestId: string) => string): Answer {
    const requestId = randomUUID();
    const headers = { 'content-type': 'text/xml', 'x-amzn-requestid': requestId, date: clock().toUTCString() };
    return { status, headers, body: Buffer.from(bodyFor(requestId)) };
  }

  const { override, ...endpoint } = await startJsonServer(answer);
  const fail: StsEmulator['fail'] = (
    { status, code, message = 'Failed on demand.' },
    times = Number.POSITIVE_INFINITY,
  ) => override(refusal(new StsError(status, code, message)), times);
  return {
    ...endpoint,
    region,
    calls,
    fail,
    throttle: (times) => fail({ status: 400, code: 'Throttling', message: 'Rate exceeded' }, times),
  };
}

function checkEnvelope({ method, url, headers }: RecordedRequest, form: URLSearchParams): void {
  const action = form.get('Action');
  if (method !== 'POST' || url.pathname !== '/' || url.search !== '') {
    throw new Error('The emulator knows POST to "/" without a query only.');
  }
  if (!/^application\/x-www-form-urlencoded\b/.test(headers['content-type'] ?? '')) {
    throw new StsError(400, 'MalformedInput', 'The body is no form.');
  }
  if (action === null) throw new StsError(400, 'MissingAction', 'One action must be given.');
  if (form.get('Version') !== '2011-06-15' || !isAction(action)) {
    const version = form.get('Version') ?? '';
    throw new StsError(400, 'InvalidAction', `Could not find operation ${action} for version ${version}`);
  }
  const twice = [...form.keys()].find((name) => form.getAll(name).length > 1);
  if (twice !== undefined) throw invalid(`The parameter ${twice} is there twice.`);
}
