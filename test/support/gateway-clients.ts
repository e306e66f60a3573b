import Anthropic from '@anthropic-ai/sdk';
import { BedrockRuntimeClient } from '@aws-sdk/client-bedrock-runtime';
import OpenAI from 'openai';

import { type Chain, withApiKey } from '../emulators/chain.ts';

/** What a call is made with: clients of the one who calls. */
export interface Clients {
  readonly aws: BedrockRuntimeClient;
  readonly openai: OpenAI;
  readonly anthropic: Anthropic;
}

/** The clients of one subscription, with the retries that each has by default unless `maxRetries` says otherwise. */
export function clientsOf(chain: Chain, key: string, retries: { readonly maxRetries?: number } = {}): Clients {
  const { url } = chain.gateway;
  const { maxRetries } = retries;
  return {
    aws: new BedrockRuntimeClient({
      ...chain.clientConfig(),
      requestHandler: withApiKey(key),
      ...(maxRetries !== undefined && { maxAttempts: maxRetries + 1 }),
    }),
    openai: new OpenAI({ baseURL: `${url}/openai/v1`, apiKey: key, ...retries }),
    anthropic: new Anthropic({ baseURL: `${url}/anthropic`, apiKey: null, authToken: key, ...retries }),
  };
}
