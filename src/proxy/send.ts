import { abortable } from '../abortable.ts';
import type { AwsCredentials } from '../aws/credentials.ts';
import { signatureRefusal, type SignatureRefused } from '../aws/signature-refusal.ts';
import type { Target } from '../aws/target.ts';
import type { AwsTime } from '../aws/time.ts';
import type { UpstreamAnswer } from '../aws/upstream.ts';
import type { Operation } from '../bedrock/service.ts';
import type { Clock } from '../clock.ts';
import type { CredentialsProvider, SignedFor } from '../credentials/provider.ts';
import { ProxyError } from '../errors.ts';
import type { Recorder } from '../record/recorder.ts';
import type { Health } from './health.ts';
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
  readonly caller: SignedFor;
}

/** What requests are signed with, whatever their target. */
export interface Sender {
  readonly credentials: CredentialsProvider;
  /** By which targets sign. */
  readonly awsTime: AwsTime;
  readonly clock: Pick<Clock, 'now'>;
}

/**
 * Signs and sends. When AWS no longer accepts the keys, once more with others, if there are any; when it does not accept
 * the time, once more at its own. No model has heard of a request whose signature was refused.
 *
 * @throws ProxyError `unavailable` when AWS still refuses, as `CredentialsProvider.get` and `Upstream.send` do, and the
 *   reason of `signal`
 */
export async function send(
  request: Outgoing,
  target: Target,
  { credentials, awsTime, clock, health }: Sender & { readonly health: Pick<Health, 'accepted' | 'refused'> },
  signal: AbortSignal,
  record: Pick<Recorder, 'attempt' | 'answered' | 'credentialsRefreshed'>,
): Promise<UpstreamAnswer> {
  const { method, path, query, headers, unsigned, body, caller } = request;
  const sendWith = async (keys: AwsCredentials): Promise<UpstreamAnswer> => {
    record.attempt(keys, target);
    const signature = await target.sign({ method, path, query, headers, bodySha256: body.sha256 }, keys);
    const answer = await target.upstream.send({
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

  const refused: AwsCredentials[] = [];
  const fail = (message: string, cause: SignatureRefused): never => {
    const failure = new ProxyError('unavailable', message, { cause });
    health.refused(refused, failure);
    throw failure;
  };
  let keys = await abortable(credentials.get(caller), signal);
  let isTimed = false;
  for (;;) {
    const sentAt = clock.now();
    const answer = await sendWith(keys);
    const roundTripMs = clock.now() - sentAt;
    const reading = signatureRefusal(answer);
    if (reading === undefined) {
      health.accepted();
      return answer;
    }
    const refusal = await reading;
    if (refusal.aboutTime) {
      if (!isTimed && awsTime.learn(answer.headers['date']?.toString(), roundTripMs)) {
        isTimed = true;
        continue;
      }
      refused.push(keys);
      fail('AWS does not accept the time at which this proxy signs.', refusal);
    }
    refused.push(keys);
    const others = refused.length === 1 ? await abortable(credentials.replace(keys, caller), signal) : undefined;
    if (others === undefined) return fail('AWS does not accept the credentials of this proxy.', refusal);
    record.credentialsRefreshed();
    keys = others;
  }
}
