import { createHash, createPrivateKey, createPublicKey, type KeyObject, X509Certificate } from 'node:crypto';

import { selfSignedCertificate } from '../../support/self-signed-certificate.ts';

/** A key of the tenant as the key endpoint publishes it: without `alg`, which is why a verifier has to fix its own. */
export interface PublishedKey {
  readonly kty: 'RSA';
  readonly use: 'sig';
  readonly kid: string;
  /** SHA-1 thumbprint of the certificate (RFC 7517 4.8); Entra uses it as `kid` as well. */
  readonly x5t: string;
  readonly n: string;
  readonly e: string;
  readonly x5c: readonly [string];
  readonly issuer: string;
}

export interface SigningKey {
  readonly publicKey: KeyObject;
  readonly privateKey: KeyObject;
  readonly published: PublishedKey;
}

/** More than the tenants of one test have together. Making one takes a good part of a second. */
const DIFFERENT_PAIRS = 12;
const pairs: ReturnType<typeof selfSignedCertificate>[] = [];
let made = 0;

/** A pair that none of the last eleven calls has got. */
function nextPair(): ReturnType<typeof selfSignedCertificate> {
  const at = made % DIFFERENT_PAIRS;
  made += 1;
  pairs[at] ??= selfSignedCertificate('accounts.accesscontrol.windows.net', 5 * 365);
  return pairs[at];
}

/** A 2048-bit RSA key with its certificate, for tokens of `issuer`. */
export async function createSigningKey(issuer: string): Promise<SigningKey> {
  const { key, cert } = await nextPair();
  const privateKey = createPrivateKey(key);
  const publicKey = createPublicKey(privateKey);
  const certificate = new X509Certificate(cert).raw;
  const thumbprint = createHash('sha1').update(certificate).digest('base64url');
  const { n, e } = publicKey.export({ format: 'jwk' });
  if (n === undefined || e === undefined) throw new Error('An RSA key was exported without modulus or exponent.');
  const published = {
    kty: 'RSA',
    use: 'sig',
    kid: thumbprint,
    x5t: thumbprint,
    n,
    e,
    x5c: [certificate.toString('base64')],
    issuer,
  } as const;
  return { publicKey, privateKey, published };
}
