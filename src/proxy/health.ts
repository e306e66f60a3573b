import { abortable } from '../abortable.ts';
import type { AwsCredentials } from '../aws/credentials.ts';
import type { CredentialsProvider, SignedFor } from '../credentials/provider.ts';
import type { ProxyError } from '../errors.ts';
import type { Reply } from '../http/reply.ts';

/** Whether calls can succeed, as far as it depends on the proxy. */
export interface Health {
  /** AWS has taken a signature of the proxy. */
  accepted(): void;
  /** AWS has refused these keys, and there were no others. */
  refused(keys: readonly AwsCredentials[], failure: ProxyError): void;
  /**
   * Settings are good, or this code would not run; keys must be at hand, and not those that AWS refused the last call
   * with. Bedrock is not asked.
   *
   * @throws ProxyError as `CredentialsProvider.probe` does, that of the last refusal, and the reason of `signal`
   */
  reply(caller: SignedFor, signal: AbortSignal): Promise<Reply>;
}

export function createHealth(credentials: CredentialsProvider): Health {
  let last: { readonly keys: readonly AwsCredentials[]; readonly failure: ProxyError } | undefined;
  return {
    accepted() {
      last = undefined;
    },
    refused(keys, failure) {
      last = { keys, failure };
    },
    async reply(caller, signal) {
      const keys = await abortable(credentials.probe(caller), signal);
      if (last?.keys.includes(keys) === true) throw last.failure;
      return { status: 200, headers: { 'content-type': 'application/json' }, body: [Buffer.from('{"status":"ok"}')] };
    },
  };
}
