import { equal, ok } from 'node:assert/strict';

import {
  BedrockRuntimeServiceException,
  ThrottlingException,
  ValidationException,
} from '@aws-sdk/client-bedrock-runtime';

import { fail } from '../emulators/bedrock/faults.ts';
import { type Chain, withApiKey } from '../emulators/chain.ts';
import { converse, errorOf, gatewayClient } from './client.ts';
import type { Page } from './page.ts';
import type { Step } from './steps.ts';

const THROTTLED = 'Too many tokens, please wait before trying again.';

/** Errors of Bedrock, function and gateway, each as the exception that the SDK has for it. */
export function typedErrors(chain: Chain, page: Page): Step {
  return {
    title: 'Errors with their types',
    async run(check) {
      const client = gatewayClient(chain);
      const stranger = gatewayClient(chain, { requestHandler: withApiKey('not-a-key') });
      chain.bedrock.answer(fail(429, 'ThrottlingException', THROTTLED));
      const throttled = await errorOf(converse(client));
      const reached = chain.bedrock.requests.length;
      const malformed = await errorOf(converse(client, 'no such model!'));
      const refused = await errorOf(converse(stranger));
      client.destroy();
      stranger.destroy();
      for (const error of [throttled, malformed, refused]) page.text(describe(error));

      check("429 of Bedrock is the SDK's own class ThrottlingException, with Bedrock's message", () => {
        ok(throttled instanceof ThrottlingException);
        equal(throttled.message, THROTTLED);
        equal(throttled.$metadata.httpStatusCode, 429);
        equal(throttled.$metadata.attempts, 1);
      });
      check('A malformed model id is a ValidationException of the proxy; Bedrock is not asked', () => {
        ok(malformed instanceof ValidationException);
        equal(malformed.$metadata.httpStatusCode, 400);
        equal(chain.bedrock.requests.length, reached);
      });
      check('A wrong subscription key is an UnauthorizedException of the gateway; Bedrock is not asked', () => {
        ok(refused instanceof BedrockRuntimeServiceException);
        equal(refused.name, 'UnauthorizedException');
        equal(refused.$metadata.httpStatusCode, 401);
        equal(chain.bedrock.requests.length, reached);
      });
    },
  };
}

function describe(error: unknown): string {
  if (!(error instanceof BedrockRuntimeServiceException)) return String(error);
  return `${error.$metadata.httpStatusCode}  ${error.name}: ${error.message}`;
}
