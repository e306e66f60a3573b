import { deepEqual, equal, ok } from 'node:assert/strict';

import { TEXT } from '../emulators/bedrock/tokens.ts';
import { type Chain, newKey } from '../emulators/chain.ts';
import { converse, gatewayClient } from './client.ts';
import type { Page } from './page.ts';
import { signDirectly } from './signature.ts';
import type { Step } from './steps.ts';

const SECRET = 'aws-credentials';
const CALLS = 240;
const AT_A_TIME = 8;

/** New keys in the vault, the old ones dead at the same moment, while calls go on. */
export function rotation(chain: Chain, page: Page): Step {
  return {
    title: 'Keys rotated while calls are running',
    async run(check) {
      const { bedrock, vault } = chain;
      const key = newKey();
      const before = { reads: vault.reads(SECRET), requests: bedrock.requests.length };
      const client = gatewayClient(chain);
      const failures: string[] = [];
      let begun = 0;
      let ended = 0;
      const rotate = (): void => {
        vault.set(SECRET, JSON.stringify(key));
        bedrock.setKeys([key]);
      };
      const loop = async (): Promise<void> => {
        while (begun < CALLS) {
          begun += 1;
          const text = await converse(client).catch(String);
          if (text !== TEXT) failures.push(text ?? 'no text');
          ended += 1;
          if (ended === CALLS / 2) rotate();
        }
      };
      await Promise.all(Array.from({ length: AT_A_TIME }, loop));
      client.destroy();
      const requests = bedrock.requests.slice(before.requests);
      const refused = requests.filter(({ verified }) => !verified);
      const reads = vault.reads(SECRET);
      const last = requests.at(-1);
      const oldKey = await signDirectly(chain, chain.key);

      page.text(`${CALLS} calls, ${AT_A_TIME} at a time, without retries in the client. After ${CALLS / 2} of them:`);
      page.compare(
        ['before', 'after'],
        [
          ['key in the vault', chain.key.accessKeyId, key.accessKeyId],
          ['the old key', 'accepted by Bedrock', `refused: ${oldKey}`],
          ['reads of the vault', String(before.reads), String(reads)],
        ],
      );
      page.text(
        `Failed calls: ${failures.length}. Requests that Bedrock refused and the proxy signed anew: ${refused.length}.`,
      );

      check('The old key was dead at Bedrock', () => equal(oldKey, 'UnrecognizedClientException'));
      check(`Not one of ${CALLS} calls failed`, () => {
        deepEqual(failures, []);
        equal(ended, CALLS);
      });
      check('Requests met the dead key, and every one of them was signed anew', () => {
        ok(refused.length > 0);
        ok(refused.every(({ accessKeyId }) => accessKeyId === chain.key.accessKeyId));
        equal(requests.length, CALLS + refused.length);
        equal(last?.accessKeyId, key.accessKeyId);
      });
      check('One more read of the vault was enough for all of them', () => equal(reads, before.reads + 1));
    },
  };
}
