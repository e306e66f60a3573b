import type { IncomingMessage } from 'node:http';
import { AwsError } from './aws-error.ts';
import { matchOperation, type Matched } from './operations.ts';
import { joinHeaders, type ReceivedRequest } from './received-request.ts';
import type { RawRequest } from './sigv4-canonical.ts';
import { verifySignature, type VerifierOptions } from './sigv4-verifier.ts';
import { unexpectedHeaders } from './strict-headers.ts';

/** What decides whether a request is answered. */
export interface AdmissionOptions extends VerifierOptions {
  /** Whether a header that must never reach AWS is refused. */
  readonly strictHeaders: boolean;
}

/** A judged request; it is verified when `refusal` is absent. */
export interface Admission {
  readonly request: ReceivedRequest;
  readonly refusal?: AwsError;
}

/** Judges a request as Bedrock's front end does: signature first, then headers, then path. */
export function admit(
  incoming: IncomingMessage,
  body: Buffer,
  aborted: Promise<void>,
  options: AdmissionOptions,
): Admission {
  const { method = '', url: target = '', rawHeaders } = incoming;
  const raw = { method, target, rawHeaders, body };
  const headers = joinHeaders(rawHeaders);
  const verdict = verifySignature(raw, options);
  const matched = match(raw);
  const refusal =
    verdict.refusal ??
    (options.strictHeaders ? headerRefusal(Object.keys(headers)) : undefined) ??
    (matched instanceof AwsError ? matched : undefined);
  const { operation, labels, modelId } = matched instanceof AwsError ? UNMATCHED : matched;
  const request: ReceivedRequest = {
    ...raw,
    headers,
    receivedAt: options.now,
    operation,
    labels,
    ...(modelId === undefined ? {} : { modelId }),
    ...(verdict.accessKeyId === undefined ? {} : { accessKeyId: verdict.accessKeyId }),
    ...(verdict.signedHeaders === undefined ? {} : { signedHeaders: verdict.signedHeaders }),
    verified: refusal === undefined,
    ...(refusal === undefined ? {} : { refusal: `${refusal.errorType}: ${refusal.message}` }),
    aborted,
  };
  return { request, ...(refusal === undefined ? {} : { refusal }) };
}

const UNMATCHED = { operation: 'Unknown', labels: [], modelId: undefined } as const;

function match(raw: RawRequest & { body: Buffer }): Matched | AwsError {
  try {
    return matchOperation(raw);
  } catch (error) {
    if (error instanceof AwsError) return error;
    throw error;
  }
}

function headerRefusal(names: readonly string[]): AwsError | undefined {
  const unexpected = unexpectedHeaders(names);
  if (unexpected.length === 0) return undefined;
  return new AwsError(400, 'ValidationException', `Headers that must not reach AWS: ${unexpected.join(', ')}`);
}
