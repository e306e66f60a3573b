/** What needs the Azure SDKs, together in one bundle: both ways to the keys share the identity. */
export { createVaultReader } from './key-vault.ts';
export { createTokenReader } from './web-identity.ts';
