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

/** A new 2048-bit RSA key with its certificate, for tokens of `issuer`. */
export async function createSigningKey(issuer: string): Promise<SigningKey> {
  const { key, cert } = await selfSignedCertificate('accounts.accesscontrol.windows.net', 5 * 365);
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
