import { createHmac, createSecretKey, hash, type KeyObject } from 'node:crypto';

import { Sha256 } from '@aws-crypto/sha256-js';
import { createScope, getCanonicalHeaders, getSigningKey, SignatureV4 } from '@aws-sdk/signature-v4';

import type { AwsCredentials } from './credentials.ts';
import { parseQuery } from './query.ts';

export interface SignableRequest {
  readonly method: string;
  /** Percent-encoded path exactly as it will be sent. */
  readonly path: string;
  /** Query string exactly as it will be sent, without the question mark. */
  readonly query: string;
  /** Headers to sign, names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  /** Hexadecimal SHA-256 of the body. */
  readonly bodySha256: string;
}

/** Returns the headers to send: those given, and `host`, `x-amz-date`, `x-amz-content-sha256`, `authorization`, … */
export type Sign = (request: SignableRequest, keys: AwsCredentials) => Promise<Record<string, string>>;

const ALGORITHM = 'AWS4-HMAC-SHA256';

/**
 * A signer for one endpoint of AWS, by the steps of `SignatureV4`. Its own `sign` takes more than twice as long for the
 * same headers: it copies the request, looks the derived key up by a text that holds the whole session token, and keeps no
 * more than 50 derived keys, so that those of more teams are derived again for every call. Here a key is derived once for
 * each pair of keys and day, and kept as long as that pair.
 *
 * All headers that are given are signed, so only those may be that are ours to sign.
 *
 * @param signingName of the service, as the credential scope holds it, for instance `bedrock`
 * @param origin of the endpoint, for instance `https://bedrock-runtime.eu-central-1.amazonaws.com`
 * @param now AWS's time, in milliseconds since 1970
 * @param sha256 what derives the signing keys
 */
export function createSigner(
  signingName: string,
  region: string,
  origin: string,
  now: () => number = Date.now,
  sha256: typeof Sha256 = Sha256,
): Sign {
  const { host, hostname, protocol } = new URL(origin);
  const steps = new Steps({ service: signingName, region, credentials: NONE, sha256 });
  const derived = new WeakMap<AwsCredentials, { readonly date: string; readonly key: Promise<KeyObject> }>();

  const signingKey = (keys: AwsCredentials, date: string): Promise<KeyObject> => {
    const known = derived.get(keys);
    if (known?.date === date) return known.key;
    const key = getSigningKey(sha256, keys, date, region, signingName).then(createSecretKey);
    derived.set(keys, { date, key });
    return key;
  };

  return async ({ method, path, query, headers, bodySha256 }, keys) => {
    const { longDate, shortDate } = steps.date(now());
    const key = await signingKey(keys, shortDate);
    const signed: Record<string, string> = {
      ...headers,
      host,
      'x-amz-content-sha256': bodySha256,
      'x-amz-date': longDate,
    };
    if (keys.sessionToken !== undefined) signed['x-amz-security-token'] = keys.sessionToken;
    const request = { method, protocol, hostname, path, query: parseQuery(query), headers: signed };
    const { names, text } = steps.canonical(request, bodySha256);
    const scope = createScope(shortDate, region, signingName);
    const stringToSign = `${ALGORITHM}\n${longDate}\n${scope}\n${hash('sha256', text)}`;
    const signature = createHmac('sha256', key).update(stringToSign).digest('hex');
    signed['authorization'] =
      `${ALGORITHM} Credential=${keys.accessKeyId}/${scope}, SignedHeaders=${names}, Signature=${signature}`;
    return signed;
  };
}

/** The class asks for keys that none of the steps reads. */
const NONE = { accessKeyId: '', secretAccessKey: '' };

type Signable = Parameters<SignatureV4['presign']>[0];

/** What a signature is made of, as `SignatureV4` makes it. */
class Steps extends SignatureV4 {
  private second = Number.NaN;
  private dates = { longDate: '', shortDate: '' };

  /** A time in the two forms that a signature has; both have whole seconds. */
  date(milliseconds: number): { readonly longDate: string; readonly shortDate: string } {
    const second = Math.floor(milliseconds / 1000);
    if (second !== this.second) this.dates = this.formatDate(new Date(1000 * second));
    this.second = second;
    return this.dates;
  }

  /** The canonical request, and the names of its headers. */
  canonical(request: Signable, bodySha256: string): { readonly names: string; readonly text: string } {
    const headers = getCanonicalHeaders(request);
    const text = this.createCanonicalRequest(request, headers, bodySha256);
    return { names: this.getCanonicalHeaderList(headers), text };
  }
}
