import { BedrockRuntimeClient, ConverseCommand } from '@aws-sdk/client-bedrock-runtime';
import { NodeHttpHandler } from '@smithy/node-http-handler';

/** A client that does not know of the gateway: endpoint, key and region are in its environment. Prints the answer. */
const client = new BedrockRuntimeClient({ requestHandler: new NodeHttpHandler() });
const { output } = await client.send(
  new ConverseCommand({
    modelId: 'amazon.nova-lite-v1:0',
    messages: [{ role: 'user', content: [{ text: 'What is a request signature?' }] }],
  }),
);
process.stdout.write(output?.message?.content?.[0]?.text ?? '');
