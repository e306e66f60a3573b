import { createSecretKey } from 'node:crypto';
import { SignJWT } from 'jose';
import { createSigningKey } from './entra-keys.ts';
import type { SigningKey } from './entra-keys.ts';
import type { ClaimOverrides, TokenOptions } from './entra-claims.ts';

type Forge = (claims?: ClaimOverrides, options?: TokenOptions) => Promise<string>;

/** Tokens with the claims of a good one and nothing of the issuer's private key in them. */
export interface ForgedTokens {
  /** `alg: none` and no signature (RFC 8725 2.1). */
  readonly unsigned: Forge;
  /** HS256 with the published key, in PEM, as the secret (RFC 8725 2.1: algorithm confusion). */
  readonly hmacWithPublicKey: Forge;
  /** RS256 by a key of the attacker's, under the id of a published one. */
  readonly foreignKey: Forge;
  /** RS256 by a key of the attacker's, under the id of that key, which nobody publishes. */
  readonly unknownKey: Forge;
}

/** `victim` is the key whose owner is impersonated; `claimsOf` gives the claims that its owner would sign. */
export function createForgedTokens(
  victim: () => SigningKey,
  claimsOf: (claims: ClaimOverrides, options: TokenOptions) => Record<string, unknown>,
): ForgedTokens {
  let attacker: Promise<SigningKey> | undefined;

  async function byAttacker(payload: Record<string, unknown>, keyId?: string): Promise<string> {
    attacker ??= createSigningKey('https://attacker.invalid/');
    const { privateKey, published } = await attacker;
    const header = { typ: 'JWT', alg: 'RS256', kid: keyId ?? published.kid };
    return await new SignJWT(payload).setProtectedHeader(header).sign(privateKey);
  }

  return {
    async unsigned(claims = {}, options = {}) {
      const header = { typ: 'JWT', alg: 'none', kid: victim().published.kid };
      const parts = [header, claimsOf(claims, options)].map((part) =>
        Buffer.from(JSON.stringify(part)).toString('base64url'),
      );
      return `${parts.join('.')}.`;
    },
    async hmacWithPublicKey(claims = {}, options = {}) {
      const { publicKey, published } = victim();
      const secret = createSecretKey(publicKey.export({ type: 'spki', format: 'pem' }).toString(), 'utf8');
      const header = { typ: 'JWT', alg: 'HS256', kid: published.kid };
      return await new SignJWT(claimsOf(claims, options)).setProtectedHeader(header).sign(secret);
    },
    foreignKey: (claims = {}, options = {}) => byAttacker(claimsOf(claims, options), victim().published.kid),
    unknownKey: (claims = {}, options = {}) => byAttacker(claimsOf(claims, options)),
  };
}
