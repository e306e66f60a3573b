import { abortable } from '../abortable.ts';
import type { AwsCredentials } from '../aws/credentials.ts';
import { errorTypeOf } from '../aws/error-type.ts';
import type { Sign } from '../aws/signer.ts';
import type { Upstream, UpstreamAnswer } from '../aws/upstream.ts';
import type { Operation } from '../bedrock/service.ts';
import type { CredentialsProvider } from '../credentials/provider.ts';
import type { Recorder } from '../record/recorder.ts';
import type { Body } from './request-body.ts';

/** A request as AWS gets it, but for its signature. */
export interface Outgoing {
  readonly method: Operation['method'];
  /** Canonical, percent-encoded. */
  readonly path: string;
  /** Without the question mark. */
  readonly query: string;
  /** Headers to sign, names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  /** Headers that are sent beside the signature. */
  readonly unsigned: Readonly<Record<string, string>>;
  readonly body: Body;
}

/** What requests are signed and sent with. */
export interface Sender {
  readonly credentials: CredentialsProvider;
  readonly sign: Sign;
  readonly upstream: Upstream;
}

/** Errors by which AWS refuses keys that were good before: rotated, deleted, or a session that has ended. */
const STALE_KEYS = new Set(['UnrecognizedClientException', 'InvalidSignatureException', 'ExpiredTokenException']);

/**
 * Signs and sends; when AWS no longer accepts the keys, once more with others, if there are any.
 *
 * @throws ProxyError as `CredentialsProvider.get` and `Upstream.send` do, and the reason of `signal`
 */
export async function send(
  request: Outgoing,
  { credentials, sign, upstream }: Sender,
  signal: AbortSignal,
  record: Pick<Recorder, 'attempt' | 'answered' | 'credentialsRefreshed'>,
): Promise<UpstreamAnswer> {
  const { method, path, query, headers, unsigned, body } = request;
  const sendWith = async (keys: AwsCredentials): Promise<UpstreamAnswer> => {
    record.attempt();
    const signature = await sign({ method, path, query, headers, bodySha256: body.sha256 }, keys);
    const answer = await upstream.send({
      method,
      target: query === '' ? path : `${path}?${query}`,
      headers: { ...signature, ...unsigned, 'accept-encoding': 'identity' },
      body: body.chunks,
      bodyLength: body.length,
      signal,
    });
    record.answered(answer);
    return answer;
  };
  const keys = await abortable(credentials.get(), signal);
  const answer = await sendWith(keys);
  if (!refusesKeys(answer)) return answer;
  const others = await abortable(credentials.replace(keys), signal);
  if (others === undefined) return answer;
  record.credentialsRefreshed();
  void drain(answer);
  return sendWith(others);
}

function refusesKeys({ status, headers }: UpstreamAnswer): boolean {
  if (status !== 401 && status !== 403) return false;
  return STALE_KEYS.has(errorTypeOf(headers) ?? '');
}

/** Reads a short answer to its end, so that its connection can be used again; nobody has to wait for it. */
async function drain(answer: UpstreamAnswer): Promise<void> {
  let left = 65_536;
  try {
    while (left > 0) {
      const chunk = await answer.read();
      if (chunk === undefined) return;
      left -= chunk.length;
    }
  } catch {
    // What matters is the next attempt.
  }
  answer.abort();
}
