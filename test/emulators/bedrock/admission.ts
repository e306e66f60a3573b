import type { IncomingMessage } from 'node:http';
import type { Principal } from '../sts/accounts.ts';
import { AwsError } from './aws-error.ts';
import { appliedGuardrail } from './guardrails.ts';
import { requestMetadata } from './request-metadata.ts';
import { joinHeaders, type ReceivedRequest } from './received-request.ts';
import { verifySignature, type VerifierOptions } from './sigv4-verifier.ts';
import type { EmulatedService } from './services.ts';
import { unexpectedHeaders } from './strict-headers.ts';

/** What decides whether a request is answered. */
export interface AdmissionOptions extends Omit<VerifierOptions, 'service'> {
  readonly service: EmulatedService;
  /** Whether a header that must never reach AWS is refused. */
  readonly strictHeaders: boolean;
  /** Whose key this is, where it belongs to somebody in an account. */
  principalFor?(accessKeyId: string): Principal | undefined;
}

/** A judged request; it is verified when `refusal` is absent. */
export interface Admission {
  readonly request: ReceivedRequest;
  readonly refusal?: AwsError;
}

/** Judges a request as Bedrock's front end does: signature first, then headers, then path, metadata and guardrail. */
export function admit(
  incoming: IncomingMessage,
  body: Buffer,
  aborted: Promise<void>,
  options: AdmissionOptions,
): Admission {
  const { method = '', url: target = '', rawHeaders } = incoming;
  const raw = { method, target, rawHeaders, body };
  const headers = joinHeaders(rawHeaders);
  const { service } = options;
  const verdict = verifySignature(raw, { ...options, service: service.signingName });
  const matched = attempt(() => service.match(raw));
  const metadata = attempt(() =>
    matched instanceof AwsError ? undefined : requestMetadata(matched.operation, headers, body),
  );
  const guardrail = attempt(() =>
    matched instanceof AwsError ? undefined : appliedGuardrail(matched.operation, headers, body),
  );
  const refusal =
    verdict.refusal ??
    (options.strictHeaders ? headerRefusal(Object.keys(headers), service.headers) : undefined) ??
    [matched, metadata, guardrail].find((outcome) => outcome instanceof AwsError);
  const principal =
    verdict.refusal === undefined && verdict.accessKeyId !== undefined
      ? options.principalFor?.(verdict.accessKeyId)
      : undefined;
  const { operation, labels, modelId } = matched instanceof AwsError ? UNMATCHED : matched;
  const request: ReceivedRequest = {
    ...raw,
    headers,
    receivedAt: options.now,
    operation,
    labels,
    ...(modelId === undefined ? {} : { modelId }),
    ...(metadata === undefined || metadata instanceof AwsError ? {} : { requestMetadata: metadata }),
    ...(guardrail === undefined || guardrail instanceof AwsError ? {} : { guardrail }),
    ...(verdict.accessKeyId === undefined ? {} : { accessKeyId: verdict.accessKeyId }),
    ...(principal === undefined ? {} : { principal }),
    ...(verdict.signedHeaders === undefined ? {} : { signedHeaders: verdict.signedHeaders }),
    verified: refusal === undefined,
    ...(refusal === undefined ? {} : { refusal: `${refusal.errorType}: ${refusal.message}` }),
    aborted,
  };
  return { request, ...(refusal === undefined ? {} : { refusal }) };
}

const UNMATCHED = { operation: 'Unknown', labels: [], modelId: undefined } as const;

function attempt<T>(judge: () => T): T | AwsError {
  try {
    return judge();
  } catch (error) {
    if (error instanceof AwsError) return error;
    throw error;
  }
}

function headerRefusal(names: readonly string[], prefix?: string): AwsError | undefined {
  const unexpected = unexpectedHeaders(names, prefix);
  if (unexpected.length === 0) return undefined;
  return new AwsError(400, 'ValidationException', `Headers that must not reach AWS: ${unexpected.join(', ')}`);
}
