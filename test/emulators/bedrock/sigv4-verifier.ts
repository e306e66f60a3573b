import { createHmac, timingSafeEqual } from 'node:crypto';
import { AwsError } from './aws-error.ts';
import { METADATA_HEADER } from './request-metadata.ts';
import { invalidSignature, parseAuthorization, type Authorization } from './sigv4-authorization.ts';
import { canonicalRequest, headerValues, sha256Hex, splitTarget, type RawRequest } from './sigv4-canonical.ts';
import { checkTime } from './sigv4-time.ts';

const ALGORITHM = 'AWS4-HMAC-SHA256';

/** An access key as IAM or STS issues it; one with a session token is valid only together with that token. */
export interface BedrockKey {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
}

/** What the verifier knows of the world. */
export interface VerifierOptions {
  readonly region: string;
  /** Further ones whose signatures are taken. */
  readonly otherRegions?: readonly string[];
  /** Signing name of the service, for instance `bedrock`. */
  readonly service: string;
  readonly now: Date;
  keyFor(accessKeyId: string): BedrockKey | undefined;
  /** Whether a session token that was once valid has run out. */
  isExpired?(sessionToken: string): boolean;
}

/** The request is verified when `refusal` is absent; the other two are what `Authorization` claims, verified or not. */
export interface Verdict {
  readonly accessKeyId?: string;
  readonly signedHeaders?: readonly string[];
  readonly refusal?: AwsError;
}

/**
 * Verifies a header-signed request (Signature Version 4) from its raw bytes, in the order and with the errors of AWS:
 * who it claims to be, the session token, scope, time, what had to be signed, the body's hash, and last the signature.
 */
export function verifySignature(request: RawRequest, options: VerifierOptions): Verdict {
  let authorization: Authorization | undefined;
  try {
    authorization = parseAuthorization(request.rawHeaders);
    verify(request, authorization, options);
    return claims(authorization);
  } catch (error) {
    if (!(error instanceof AwsError)) throw error;
    return { ...(authorization === undefined ? {} : claims(authorization)), refusal: error };
  }
}

function claims({ accessKeyId, signedHeaders }: Authorization): Verdict {
  return { accessKeyId, signedHeaders };
}

function verify(request: RawRequest, authorization: Authorization, options: VerifierOptions): void {
  checkTarget(request.target);
  const headers = headerValues(request.rawHeaders);
  const key = checkKey(authorization, headers.get('x-amz-security-token'), options);
  checkScope(authorization, options);
  const date = checkTime(headers.get('x-amz-date') ?? [], authorization.date, options.now);
  checkSignedHeaders(authorization, headers);
  checkPayloadHash(request.body, headers.get('x-amz-content-sha256'));

  const canonical = canonicalRequest(request, authorization.signedHeaders);
  const scope = `${authorization.date}/${authorization.region}/${authorization.service}/aws4_request`;
  const stringToSign = [ALGORITHM, date, scope, sha256Hex(canonical)].join('\n');
  const expected = hmac(signingKey(key.secretAccessKey, authorization), stringToSign);
  if (!timingSafeEqual(expected, Buffer.from(authorization.signature, 'hex'))) {
    throw invalidSignature(
      'The request signature we calculated does not match the signature you provided. Check your AWS Secret Access ' +
        'Key and signing method. Consult the service documentation for details.',
    );
  }
}

/** Targets that two implementations could read in two ways are refused whatever their signature. */
function checkTarget(target: string): void {
  const { path, query } = splitTarget(target);
  const problem =
    (!path.startsWith('/') && 'it is not a path') ||
    (target.includes('#') && 'it has a fragment') ||
    (query.includes('+') && 'a raw "+" in a query can mean a space or itself') ||
    (/%(?![0-9A-Fa-f]{2})/.test(target) && 'a "%" is not followed by two hexadecimal digits');
  if (problem) throw new AwsError(400, 'ValidationException', `Malformed request target: ${problem}.`);
}

function checkKey(
  { accessKeyId }: Authorization,
  tokens: readonly string[] | undefined,
  options: VerifierOptions,
): BedrockKey {
  const token = tokens?.join(',');
  if (token !== undefined && options.isExpired?.(token) === true) {
    throw new AwsError(403, 'ExpiredTokenException', 'The security token included in the request is expired');
  }
  const key = options.keyFor(accessKeyId);
  if (key === undefined || key.sessionToken !== token) {
    throw new AwsError(403, 'UnrecognizedClientException', 'The security token included in the request is invalid.');
  }
  return key;
}

function checkScope(scope: Authorization, { region, otherRegions = [], service }: VerifierOptions): void {
  if (![region, ...otherRegions].includes(scope.region))
    throw invalidSignature('Credential should be scoped to a valid region.');
  if (scope.service !== service) {
    throw invalidSignature(`Credential should be scoped to correct service: '${service}'.`);
  }
}

function checkSignedHeaders({ signedHeaders }: Authorization, headers: ReadonlyMap<string, unknown>): void {
  const signed = new Set(signedHeaders);
  if (!signed.has('host')) throw invalidSignature("'Host' must be a 'SignedHeader' in the AWS Authorization.");
  for (const name of headers.keys()) {
    if ((name.startsWith('x-amz-') || name === METADATA_HEADER) && !signed.has(name)) {
      throw invalidSignature(`'${name}' must be a 'SignedHeader' in the AWS Authorization.`);
    }
  }
}

/** The header is optional (boto3 does not send it), but where it is, it has to be true of the body. */
function checkPayloadHash(body: Uint8Array, hashes: readonly string[] | undefined): void {
  if (hashes !== undefined && hashes.join(',') !== sha256Hex(body)) {
    throw invalidSignature("The value of 'x-amz-content-sha256' is not the SHA-256 of the request's body.");
  }
}

function signingKey(secret: string, { date, region, service }: Authorization): Buffer {
  return [date, region, service, 'aws4_request'].reduce<Buffer>(hmac, Buffer.from(`AWS4${secret}`, 'utf8'));
}

function hmac(key: Buffer, data: string): Buffer {
  return createHmac('sha256', key).update(Buffer.from(data, 'latin1')).digest();
}
