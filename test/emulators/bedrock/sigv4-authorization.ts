import { AwsError } from './aws-error.ts';
import { headerValues } from './sigv4-canonical.ts';

/** What an `Authorization` header of Signature Version 4 claims. */
export interface Authorization {
  readonly accessKeyId: string;
  /** Day of the credential scope, `YYYYMMDD`. */
  readonly date: string;
  readonly region: string;
  readonly service: string;
  readonly signedHeaders: readonly string[];
  /** 64 lower-case hexadecimal digits. */
  readonly signature: string;
}

/** Throws what AWS answers to a missing, foreign or malformed header. */
export function parseAuthorization(rawHeaders: readonly string[]): Authorization {
  const values = headerValues(rawHeaders).get('authorization') ?? [];
  const [value] = values;
  if (value === undefined) {
    throw new AwsError(403, 'MissingAuthenticationTokenException', 'Missing Authentication Token');
  }
  if (/^Bearer /i.test(value)) {
    throw new AwsError(403, 'AccessDeniedException', 'Authentication failed: Please make sure your API Key is valid.');
  }
  const match =
    /^AWS4-HMAC-SHA256 Credential=([^\s,/]+)\/(\d{8})\/([^\s,/]+)\/([^\s,/]+)\/aws4_request,\s*SignedHeaders=([^\s,]+),\s*Signature=([0-9a-f]{64})$/.exec(
      value,
    );
  if (match === null || values.length !== 1) {
    throw new AwsError(
      403,
      'IncompleteSignatureException',
      `Authorization header requires one 'Credential', 'SignedHeaders' and 'Signature' parameter of AWS4-HMAC-SHA256.`,
    );
  }
  const [, accessKeyId = '', date = '', region = '', service = '', signedHeaders = '', signature = ''] = match;
  return { accessKeyId, date, region, service, signedHeaders: signedHeaders.split(';'), signature };
}

/** 403 InvalidSignatureException. */
export function invalidSignature(message: string): AwsError {
  return new AwsError(403, 'InvalidSignatureException', message);
}
