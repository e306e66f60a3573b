import { randomBytes } from 'node:crypto';
import type { Query } from './query.ts';

/** The keys of one host. */
export interface Keys {
  readonly functionKey: string;
  readonly masterKey: string;
}

/** New random keys, of the length and alphabet of real ones. */
export function createKeys(): Keys {
  return { functionKey: createKey(), masterKey: createKey() };
}

function createKey(): string {
  return randomBytes(40).toString('base64url');
}

/**
 * Whether a call may pass a function's `authLevel` (azure-functions-host, `AuthenticationLevelHandler`). The key is
 * taken from `x-functions-key`, or else from the query parameter `code`; a wrong header is not made good by the query.
 */
export function isAuthorized(
  keys: Keys,
  authLevel: string,
  headers: Readonly<Record<string, string>>,
  query: Query,
): boolean {
  if (authLevel === 'anonymous') return true;
  const [key] = (headers['x-functions-key'] ?? query.get('code')?.value ?? '').split(',');
  return key === keys.masterKey || (authLevel === 'function' && key === keys.functionKey);
}
