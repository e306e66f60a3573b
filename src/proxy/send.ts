import { abortable } from '../abortable.ts';
import { errorTypeOf } from '../aws/error-type.ts';
import type { UpstreamAnswer } from '../aws/upstream.ts';
import type { AwsCredentials, CredentialsProvider } from '../credentials/provider.ts';
import type { Lifetime } from './lifetime.ts';
import type { Recorder } from '../record/recorder.ts';

/** Errors by which AWS refuses keys that were good before: rotated, deleted, or a session that has ended. */
const STALE_KEYS = new Set(['UnrecognizedClientException', 'InvalidSignatureException', 'ExpiredTokenException']);

/** Sends; when AWS no longer accepts the keys, sends once more with others, if there are any. */
export async function sendWithFreshKeys(
  send: (keys: AwsCredentials) => Promise<UpstreamAnswer>,
  credentials: CredentialsProvider,
  { signal }: Lifetime,
  record: Recorder,
): Promise<UpstreamAnswer> {
  const keys = await abortable(credentials.get(), signal);
  const answered = await send(keys);
  if (!refusesKeys(answered)) return answered;
  const others = await abortable(credentials.replace(keys), signal);
  if (others === undefined) return answered;
  record.credentialsRefreshed();
  void drain(answered);
  return send(others);
}

function refusesKeys({ status, headers }: UpstreamAnswer): boolean {
  if (status !== 401 && status !== 403) return false;
  return STALE_KEYS.has(errorTypeOf(headers) ?? '');
}

/** Reads a short answer to its end, so that its connection can be used again; nobody has to wait for it. */
async function drain(answered: UpstreamAnswer): Promise<void> {
  let left = 65_536;
  try {
    while (left > 0) {
      const chunk = await answered.read();
      if (chunk === undefined) return;
      left -= chunk.length;
    }
  } catch {
    // What matters is the next attempt.
  }
  answered.abort();
}
