import type { RecordedRequest } from '../azure/json-server.ts';
import type { AwsError } from '../bedrock/aws-error.ts';
import { verifySignature } from '../bedrock/sigv4-verifier.ts';
import type { AwsAccounts, Principal } from './accounts.ts';
import { StsError } from './sts-error.ts';

/** What Bedrock's front end and that of STS call the same refusal ("Common errors" of the STS API reference). */
const CODES: Readonly<Record<string, readonly [status: number, code: string]>> = {
  UnrecognizedClientException: [403, 'InvalidClientTokenId'],
  InvalidSignatureException: [403, 'SignatureDoesNotMatch'],
  ExpiredTokenException: [403, 'ExpiredToken'],
  IncompleteSignatureException: [400, 'IncompleteSignature'],
  MissingAuthenticationTokenException: [403, 'MissingAuthenticationToken'],
};

/** Who has signed the request. @throws StsError when nobody has, or not rightly */
export function callerOf(
  { method, rawHeaders }: RecordedRequest,
  body: Buffer,
  { accounts, region, now }: { accounts: AwsAccounts; region: string; now: Date },
): Principal {
  const { accessKeyId = '', refusal } = verifySignature(
    { method, target: '/', rawHeaders, body },
    {
      region,
      service: 'sts',
      now,
      keyFor: (id) => accounts.principal(id)?.key,
      isExpired: (token) => accounts.isExpired(token, now),
    },
  );
  if (refusal !== undefined) throw stsError(refusal);
  const principal = accounts.principal(accessKeyId);
  if (principal === undefined) throw new Error('A verified key belongs to nobody.');
  return principal;
}

function stsError({ errorType, message }: AwsError): StsError {
  const known = CODES[errorType];
  if (known === undefined) throw new Error(`STS has no code for ${errorType}.`);
  return new StsError(known[0], known[1], message);
}
