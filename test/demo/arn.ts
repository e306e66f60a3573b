import { deepEqual, equal, ok } from 'node:assert/strict';

import { TEXT } from '../emulators/bedrock/tokens.ts';
import type { Chain } from '../emulators/chain.ts';
import { rewriteTarget } from '../emulators/functions-host/front-end.ts';
import { converse, gatewayClient } from './client.ts';
import type { Page } from './page.ts';
import type { Step } from './steps.ts';

const ARN = 'arn:aws:bedrock:us-east-1:123456789012:prompt-router/nova';

/** A model id that is an ARN: its slash and colons are decoded on the way, and have to be one segment again. */
export function arn(chain: Chain, page: Page): Step {
  return {
    title: 'A model id that is an ARN',
    async run(check) {
      const client = gatewayClient(chain);
      const text = await converse(client, ARN);
      client.destroy();
      const [sent, received] = [chain.gateway.requests.at(-1), chain.bedrock.requests.at(-1)];
      ok(sent?.forwarded !== undefined && received !== undefined);
      const decoded = rewriteTarget(sent.forwarded.target, '');
      const stages = [
        ['from the client', sent.target],
        ['from the gateway, which decodes %2F', sent.forwarded.target],
        ['from the App Service front end, which decodes the rest', decoded],
        ['at Bedrock', received.target],
      ] as const;
      for (const [label, path] of stages) page.stage(label, path);

      check('Gateway and front end had decoded the ARN into two segments', () =>
        equal(decoded, `/model/${ARN}/converse`),
      );
      check('It reached Bedrock as one encoded segment, signed as it was sent', () => {
        equal(received.target, `/model/${encodeURIComponent(ARN)}/converse`);
        deepEqual(received.labels, [ARN]);
        ok(received.verified);
        equal(text, TEXT);
      });
    },
  };
}
