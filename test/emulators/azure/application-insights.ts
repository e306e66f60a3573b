import { randomUUID } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';

import { type Answer, type Endpoint, type RecordedRequest, startJsonServer } from './json-server.ts';
import type { ManagedIdentity } from './managed-identity.ts';
import { selfSignedCertificate } from '../../support/self-signed-certificate.ts';

/** A telemetry item as the ingestion endpoint takes it. */
export interface Envelope {
  readonly name: string;
  readonly time: string;
  readonly iKey: string;
  readonly tags: Readonly<Record<string, string>>;
  readonly data: { readonly baseType: string; readonly baseData: BaseData };
}

/** Of a metric or a dependency; which members are there depends on the type. */
export interface BaseData {
  readonly metrics?: readonly {
    readonly name: string;
    readonly value: number;
    readonly count?: number;
    readonly min?: number;
    readonly max?: number;
  }[];
  readonly id?: string;
  readonly name?: string;
  readonly type?: string;
  readonly target?: string;
  readonly resultCode?: string;
  readonly success?: boolean;
  readonly duration?: string;
  readonly properties?: Readonly<Record<string, string>>;
}

export interface ApplicationInsights extends Endpoint {
  readonly instrumentationKey: string;
  /** Settings that make the function app send here, and trust the certificate. */
  readonly environment: Readonly<Record<string, string>>;
  /** Every accepted item, in the order of arrival. */
  readonly items: readonly Envelope[];
  /** Every accepted body, as text. */
  readonly bodies: readonly string[];
  /** Metric items of this name; Azure gets deltas, so that their values can be summed. */
  metrics(
    name: string,
  ): { readonly value: number; readonly count: number; readonly properties: Readonly<Record<string, string>> }[];
  /** Dependency items: client and internal spans. */
  dependencies(): Envelope[];
  /** Takes only the first item of each of the next `times` bodies (206). */
  takeFirstOnly(times: number): void;
  /** Answers the next `times` requests (without it: all) with this status; 0 times ends it. */
  fail(status: number, options?: { times?: number; retryAfterSeconds?: number }): void;
}

/** The audience of tokens for Azure Monitor. */
const RESOURCE = 'https://monitor.azure.com';

/**
 * The ingestion endpoint of an Application Insights component with local authentication off: an item needs the
 * component's key and a token of the managed identity. It speaks https only, as the exporter does.
 */
export async function startApplicationInsights(identity: ManagedIdentity): Promise<ApplicationInsights> {
  const instrumentationKey = randomUUID();
  const items: Envelope[] = [];
  const bodies: string[] = [];
  let partial = 0;

  function answer({ method, url, headers }: RecordedRequest, sent: Buffer): Answer {
    if (method !== 'POST' || url.pathname !== '/v2.1/track') return { status: 404, body: {} };
    if (headers['content-type']?.startsWith('application/json') !== true) return { status: 415, body: {} };
    const token = /^Bearer (.+)$/.exec(headers.authorization ?? '')?.[1] ?? '';
    const issued = identity.issued(token);
    if (issued === undefined) return refusal(401, 'Credentials required.');
    if (issued.resource.replace(/\/$/, '') !== RESOURCE) return refusal(403, 'The token is for something else.');
    if (issued.expiresOn < Date.now() / 1000) return refusal(401, 'The token has expired.');

    const text = (headers['content-encoding'] === 'gzip' ? gunzipSync(sent) : sent).toString('utf8');
    const received = JSON.parse(text) as Envelope[];
    const wrong = received.find(({ iKey }) => iKey !== instrumentationKey);
    if (wrong !== undefined) return refusal(400, 'Invalid instrumentation key');
    const taken = partial > 0 ? received.slice(0, 1) : received;
    if (partial > 0) partial -= 1;
    bodies.push(text);
    items.push(...taken);
    const errors = received
      .slice(taken.length)
      .map((_, index) => ({ index: index + taken.length, statusCode: 429, message: 'Too many items.' }));
    return {
      status: errors.length === 0 ? 200 : 206,
      body: { itemsReceived: received.length, itemsAccepted: taken.length, errors },
    };
  }

  const { certificate, close: removeCertificate, tls } = await makeCertificate();
  const { override, ...endpoint } = await startJsonServer(answer, tls);

  return {
    ...endpoint,
    instrumentationKey,
    environment: {
      APPLICATIONINSIGHTS_CONNECTION_STRING: [
        `InstrumentationKey=${instrumentationKey}`,
        `IngestionEndpoint=${endpoint.url}/`,
        `LiveEndpoint=${endpoint.url}/live/`,
        `ApplicationId=${randomUUID()}`,
      ].join(';'),
      APPLICATIONINSIGHTS_AUTHENTICATION_STRING: `ClientId=${randomUUID()};Authorization=AAD`,
      NODE_EXTRA_CA_CERTS: certificate,
    },
    items,
    bodies,
    metrics: (name) =>
      items.flatMap(({ data: { baseData } }) =>
        (baseData.metrics ?? [])
          .filter((metric) => metric.name === name)
          .map(({ value, count = 1 }) => ({ value, count, properties: baseData.properties ?? {} })),
      ),
    dependencies: () => items.filter(({ data }) => data.baseType === 'RemoteDependencyData'),
    takeFirstOnly(times) {
      partial = times;
    },
    fail(status, { times = Number.POSITIVE_INFINITY, retryAfterSeconds } = {}) {
      const headers = retryAfterSeconds === undefined ? {} : { 'retry-after': String(retryAfterSeconds) };
      override({ ...refusal(status, 'Failed on demand.'), headers }, times);
    },
    async close() {
      await endpoint.close();
      await removeCertificate();
    },
  };
}

function refusal(statusCode: number, message: string): Answer {
  return {
    status: statusCode,
    body: { itemsReceived: 0, itemsAccepted: 0, errors: [{ index: 0, statusCode, message }] },
  };
}

/** A certificate for localhost, also in a file for `NODE_EXTRA_CA_CERTS`. */
async function makeCertificate() {
  const tls = await selfSignedCertificate('localhost');
  const folder = await mkdtemp(join(tmpdir(), 'bedrock-proxy-certificate-'));
  const certificate = join(folder, 'localhost.pem');
  await writeFile(certificate, tls.cert);
  return {
    certificate,
    tls,
    close: () => rm(folder, { recursive: true, force: true }),
  };
}
