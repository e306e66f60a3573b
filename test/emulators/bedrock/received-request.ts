import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Principal } from '../sts/accounts.ts';
import type { AppliedGuardrail } from './guardrails.ts';
import { headerValues } from './sigv4-canonical.ts';

/** One request as it reached the emulator, refused ones included. */
export interface ReceivedRequest {
  readonly method: string;
  /** The raw request target, not decoded. */
  readonly target: string;
  readonly rawHeaders: readonly string[];
  /** Lower-case names; repeated ones joined with `, `. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
  /** By the emulator's clock. */
  readonly receivedAt: Date;
  /** Name of the operation, `Unknown` where there is none. */
  readonly operation: string;
  /** Path labels in order, decoded once. */
  readonly labels: readonly string[];
  readonly modelId?: string;
  /** As the invocation log shows it. */
  readonly requestMetadata?: Readonly<Record<string, string>>;
  /** What a guardrail of the account does to the answer; absent where none was named. */
  readonly guardrail?: AppliedGuardrail;
  /** As claimed in `Authorization`, verified or not. */
  readonly accessKeyId?: string;
  /** Whose signature it has; absent for a key that belongs to no account. */
  readonly principal?: Principal;
  readonly signedHeaders?: readonly string[];
  /** Whether signature, headers and path were all in order. */
  readonly verified: boolean;
  /** Error type and message of the refusal. */
  readonly refusal?: string;
  /** Settles when the client closed the connection before the answer was complete, else never. */
  readonly aborted: Promise<void>;
}

/** Answers one request; whatever it does to the response and its socket is the answer. */
export type Responder = (request: ReceivedRequest, response: ServerResponse) => void | Promise<void>;

/** `rawHeaders` by lower-case name. */
export function joinHeaders(rawHeaders: readonly string[]): Record<string, string> {
  return Object.fromEntries([...headerValues(rawHeaders)].map(([name, values]) => [name, values.join(', ')]));
}

/** How many of the verified requests each principal has made, by ARN. */
export function callersOf(requests: readonly ReceivedRequest[]): Record<string, number> {
  const arns = requests.flatMap(({ principal, verified }) =>
    principal !== undefined && verified ? [principal.arn] : [],
  );
  return Object.fromEntries([...Map.groupBy(arns, (arn) => arn)].map(([arn, all]) => [arn, all.length]));
}

/**
 * Settles when the client ends or resets the connection while the response is open. The emulator's own destruction of a
 * socket raises neither event.
 */
export function clientGone(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
  const { socket } = incoming;
  return new Promise((resolve) => {
    const gone = (): void => resolve();
    socket.once('end', gone).once('error', gone);
    response.once('close', () => socket.off('end', gone).off('error', gone));
  });
}
