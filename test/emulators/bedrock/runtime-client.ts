import { BedrockRuntimeClient } from '@aws-sdk/client-bedrock-runtime';
import { NodeHttpHandler } from '@smithy/node-http-handler';

import { type BedrockEmulator, EXAMPLE_KEY } from './bedrock.ts';

/** The SDK as it is, straight to the emulator, but over HTTP/1.1 and without retries. */
export function runtimeClient(
  { url: endpoint }: BedrockEmulator,
  credentials = EXAMPLE_KEY,
  region = 'us-east-1',
): BedrockRuntimeClient {
  return new BedrockRuntimeClient({
    region,
    endpoint,
    credentials,
    maxAttempts: 1,
    requestHandler: new NodeHttpHandler(),
  });
}
