import { hash } from 'node:crypto';

/** Longest key: the service takes 512 characters. */
const LONGEST = 400;

/**
 * The key of an account as a partition key. What these cannot hold, and what would need escaping in a filter or a path,
 * becomes `=` and two hexadecimal digits for each byte of its UTF-8; what is too long ends in `==` and the beginning of
 * its SHA-256.
 */
export function accountKey(account: string): string {
  const key = account.replaceAll(/[^\w.:-]/gu, (character) =>
    Array.from(Buffer.from(character), (byte) => `=${byte.toString(16).toUpperCase().padStart(2, '0')}`).join(''),
  );
  return key.length <= LONGEST ? key : `${key.slice(0, LONGEST - 34)}==${hash('sha256', account).slice(0, 32)}`;
}
