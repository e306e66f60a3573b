import { hash } from 'node:crypto';

import { Sha256 } from '@aws-crypto/sha256-js';

import type { AwsKeys } from './signer.ts';

type Secret = ConstructorParameters<typeof Sha256>[0];

/**
 * SHA-256 as `SignatureV4` takes it: HMACs by `@aws-crypto/sha256-js`, but for two things that would be done in vain or
 * slowly for each request.
 *
 * - Without a key it is the canonical request, which grows with path and headers, and is hashed by `node:crypto` as the
 *   body is.
 * - `SignatureV4` finds the signing key that it has derived under an HMAC of the access key itself, which is the same
 *   each time.
 *
 * Each saves 7 of 28 microseconds.
 *
 * @param keys those that will be signed with
 */
export function signingHash(keys: AwsKeys) {
  const accessKeyId = Buffer.from(keys.accessKeyId);
  let ofAccessKey: Uint8Array | undefined;

  return class SigningHash {
    private readonly secret: Secret;
    private message: Uint8Array = new Uint8Array();

    constructor(secret?: Secret) {
      this.secret = secret;
    }

    /** `SignatureV4` hands over the whole message at once. */
    update(message: Uint8Array): void {
      this.message = message;
    }

    async digest(): Promise<Uint8Array> {
      const { secret, message } = this;
      if (secret === undefined) return hash('sha256', message, 'buffer');
      const isLookup = secret === keys.secretAccessKey && accessKeyId.equals(message);
      if (isLookup && ofAccessKey !== undefined) return ofAccessKey;
      const hmac = new Sha256(secret);
      hmac.update(message);
      const digest = await hmac.digest();
      if (isLookup) ofAccessKey = digest;
      return digest;
    }

    reset(): void {
      this.message = new Uint8Array();
    }
  };
}
