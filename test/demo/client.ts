import {
  BedrockRuntimeClient,
  type BedrockRuntimeClientConfig,
  ConverseCommand,
  type ConverseCommandInput,
} from '@aws-sdk/client-bedrock-runtime';

import type { Chain } from '../emulators/chain.ts';

/** A model id with a colon, which the SDK percent-encodes. */
export const MODEL = 'amazon.nova-lite-v1:0';

/** What is asked of `modelId`. */
export function question(modelId: string = MODEL): ConverseCommandInput {
  return { modelId, messages: [{ role: 'user', content: [{ text: 'What is a request signature?' }] }] };
}

/** An AWS SDK client of the gateway. It never retries: a retry would hide a failure. */
export function gatewayClient(chain: Chain, changes: BedrockRuntimeClientConfig = {}): BedrockRuntimeClient {
  return new BedrockRuntimeClient({ ...chain.clientConfig(), maxAttempts: 1, ...changes });
}

/** The text of an answer that is not streamed. */
export async function converse(client: BedrockRuntimeClient, modelId?: string): Promise<string | undefined> {
  const { output } = await client.send(new ConverseCommand(question(modelId)));
  return output?.message?.content?.[0]?.text;
}

/** The error that `call` rejects with; an error of its own when it does not. */
export async function errorOf(call: Promise<unknown>): Promise<unknown> {
  const outcome = await call.then(
    () => ({ error: new Error('The call succeeded, and should not have.') }),
    (error: unknown) => ({ error }),
  );
  return outcome.error;
}
