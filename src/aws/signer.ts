import { SignatureV4 } from '@aws-sdk/signature-v4';

import type { AwsCredentials } from './credentials.ts';
import { parseQuery } from './query.ts';
import { signingHash } from './signing-hash.ts';

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

/**
 * A signer for one endpoint of AWS.
 *
 * `SignatureV4` signs every header it is given, so it gets only those that are ours to sign. It trusts a payload hash
 * found in `x-amz-content-sha256`: the body's hash is there already and is not computed again.
 *
 * @param signingName of the service, as the credential scope holds it, for instance `bedrock`
 * @param origin of the endpoint, for instance `https://bedrock-runtime.eu-central-1.amazonaws.com`
 */
export function createSigner(signingName: string, region: string, origin: string): Sign {
  const { host, hostname, protocol } = new URL(origin);
  const signers = new WeakMap<AwsCredentials, SignatureV4>();

  const signerOf = (keys: AwsCredentials): SignatureV4 => {
    let signer = signers.get(keys);
    if (signer === undefined) {
      signer = new SignatureV4({ service: signingName, region, credentials: { ...keys }, sha256: signingHash(keys) });
      signers.set(keys, signer);
    }
    return signer;
  };

  return async (request, keys) => {
    const signed = await signerOf(keys).sign({
      method: request.method,
      protocol,
      hostname,
      path: request.path,
      query: parseQuery(request.query),
      headers: { ...request.headers, host, 'x-amz-content-sha256': request.bodySha256 },
    });
    return signed.headers;
  };
}
