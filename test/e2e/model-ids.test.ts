import { BedrockRuntimeClient, ConverseCommand } from '@aws-sdk/client-bedrock-runtime';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { type Chain, startChain } from '../emulators/chain.ts';
import { ask } from '../support/chain-calls.ts';
import { modelId } from '../support/models.ts';

const IDS = {
  'a model': modelId,
  'a cross-region profile': 'us.anthropic.claude-3-5-haiku-20241022-v1:0',
  'an inference profile ARN':
    'arn:aws:bedrock:us-east-1:123456789012:inference-profile/us.anthropic.claude-3-5-haiku-20241022-v1:0',
  'an application inference profile ARN': 'arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/a1b2c3',
  'a provisioned model ARN': 'arn:aws:bedrock:us-east-1:123456789012:provisioned-model/abcdefghijkl',
  'a prompt ARN': 'arn:aws:bedrock:us-east-1:123456789012:prompt/PROMPT1234:1',
};

const once = encodeURIComponent;
const FORMS: Record<string, (id: string) => string> = {
  'as the AWS SDKs encode it': once,
  'with raw colons, as the Anthropic SDKs send it': (id) => once(id).replaceAll('%3A', ':'),
  'not encoded at all': (id) => id,
  'encoded twice': (id) => once(once(id)),
};

const FRONTS = [
  { decodeSlashes: true, frontEnd: true },
  { decodeSlashes: true, frontEnd: false },
  { decodeSlashes: false, frontEnd: true },
  { decodeSlashes: false, frontEnd: false },
];

describe.each(FRONTS)('gateway decodes %%2F: $decodeSlashes, App Service front end: $frontEnd', (options) => {
  let chain: Chain;
  beforeAll(async () => {
    chain = await startChain(options);
  });
  afterAll(() => chain.close());

  describe.each(Object.entries(IDS))('%s', (_name, id) => {
    it.each(Object.entries(FORMS))('%s', async (_form, encode) => {
      chain.bedrock.reset();
      const answer = await ask(chain, `/model/${encode(id)}/converse`);
      expect(answer.status).toBe(200);
      expect(chain.bedrock.requests[0]).toMatchObject({
        verified: true,
        target: `/model/${once(id)}/converse`,
        modelId: id,
      });
    });

    it('by the AWS SDK', async () => {
      chain.bedrock.reset();
      const client = new BedrockRuntimeClient(chain.clientConfig());
      await client.send(new ConverseCommand({ modelId: id, messages: [] }));
      client.destroy();
      expect(chain.bedrock.requests[0]).toMatchObject({ verified: true, target: `/model/${once(id)}/converse` });
    });
  });
});
