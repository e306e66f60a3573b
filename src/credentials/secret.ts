import type { AwsCredentials } from '../aws/credentials.ts';
import { VaultError } from './vault-error.ts';

/**
 * The keys in a secret of JSON: `{"accessKeyId": …, "secretAccessKey": …, "sessionToken": …}`, or as AWS's own tools print
 * them, with the names in PascalCase, and with `AccessKey` (`create-access-key`) or `Credentials` (`assume-role`) around
 * them.
 *
 * @throws VaultError that names what is wrong, never a value. A syntax error of `JSON.parse` quotes its input, so it is no cause.
 */
export function parseSecret(text: string): AwsCredentials {
  let parsed: unknown;
  try {
    // Windows PowerShell begins what it writes with a byte order mark, which is white space to `trim`.
    parsed = JSON.parse(text.trim());
  } catch {
    throw new VaultError('The secret is not valid JSON');
  }
  const { AccessKey, Credentials, ...bare } = membersOf(parsed);
  const keys = membersOf(AccessKey ?? Credentials ?? bare);
  const { accessKeyId = keys['AccessKeyId'], secretAccessKey = keys['SecretAccessKey'] } = keys;
  const sessionToken = keys['sessionToken'] ?? keys['SessionToken'];
  return checkedKeys({ accessKeyId, secretAccessKey, ...(sessionToken == null ? {} : { sessionToken }) });
}

function membersOf(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null ? { ...value } : {};
}

/** @throws VaultError that names the member that is missing or malformed */
export function checkedKeys(fields: Readonly<Record<string, unknown>>): AwsCredentials {
  for (const [name, value] of Object.entries(fields)) {
    // Printable ASCII: anything else could not have come from AWS and would break the Authorization header.
    if (typeof value !== 'string' || !/^[\x21-\x7e]+$/.test(value)) {
      throw new VaultError(`The secret's ${name} is missing or malformed`);
    }
  }
  return fields as unknown as AwsCredentials;
}
