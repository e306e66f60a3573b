import { createHash } from 'node:crypto';
import { auth, http } from 'aws-crt';
import type { RawRequest } from './sigv4-canonical.ts';
import type { BedrockKey } from './sigv4-verifier.ts';

/** A request to be signed and how. */
export interface Draft {
  readonly method: string;
  readonly target: string;
  readonly host: string;
  readonly headers: readonly (readonly [name: string, value: string])[];
  readonly body: Uint8Array;
  readonly key: BedrockKey;
  readonly region: string;
  readonly service: string;
  readonly date: Date;
  /** Whether `x-amz-content-sha256` is sent; boto3 does without. */
  readonly hashHeader: boolean;
}

/**
 * A request as it stands on the wire, signed by the AWS Common Runtime: the C implementation that the AWS CLI and
 * several SDKs use, and that shares no code with the signer of the AWS SDK for JavaScript.
 */
export async function signWithCrt(draft: Draft): Promise<RawRequest> {
  const { method, target, host, headers, body, key, region, service, date, hashHeader } = draft;
  const request = new http.HttpRequest(
    method,
    target,
    new http.HttpHeaders([['Host', host], ...headers.map(([name, value]): [string, string] => [name, value])]),
  );
  const signed = await auth.aws_sign_request(request, {
    algorithm: auth.AwsSigningAlgorithm.SigV4,
    signature_type: auth.AwsSignatureType.HttpRequestViaHeaders,
    provider: auth.AwsCredentialsProvider.newStatic(key.accessKeyId, key.secretAccessKey, key.sessionToken),
    region,
    service,
    date,
    use_double_uri_encode: true,
    should_normalize_uri_path: true,
    signed_body_value: createHash('sha256').update(body).digest('hex'),
    signed_body_header: hashHeader ? auth.AwsSignedBodyHeaderType.XAmzContentSha256 : auth.AwsSignedBodyHeaderType.None,
  });
  return { method, target: latin1(signed.path), rawHeaders: [...signed.headers].flat().map(latin1), body };
}

/** The runtime signs strings as UTF-8; node:http shows the bytes of a request one character each. */
function latin1(text: string): string {
  return Buffer.from(text, 'utf8').toString('latin1');
}
