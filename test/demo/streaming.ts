import { deepEqual, ok } from 'node:assert/strict';

import { ConverseStreamCommand } from '@aws-sdk/client-bedrock-runtime';

import { TEXT_PIECES } from '../emulators/bedrock/tokens.ts';
import type { Chain } from '../emulators/chain.ts';
import { gatewayClient, question } from './client.ts';
import type { Page } from './page.ts';
import type { Step } from './steps.ts';

/**
 * A ConverseStream call whose text arrives while it is being written.
 *
 * @param onFirstPiece called when the first piece is there: Bedrock waits for that before it ends the stream
 */
export function streaming(chain: Chain, page: Page, onFirstPiece: () => void): Step {
  return {
    title: 'A streamed answer, piece by piece',
    async run(check) {
      page.text('ConverseStream of the AWS SDK for JavaScript, with an api-key header. Seconds since the call:');
      const client = gatewayClient(chain);
      const pieces: string[] = [];
      let bedrockStillWrites = false;
      const start = performance.now();
      const { stream = [] } = await client.send(new ConverseStreamCommand(question()));
      for await (const { contentBlockDelta } of stream) {
        const piece = contentBlockDelta?.delta?.text;
        if (piece === undefined) continue;
        page.line(((performance.now() - start) / 1000).toFixed(3).padStart(8), piece);
        if (pieces.length === 0) bedrockStillWrites = chain.bedrock.activeRequests === 1;
        pieces.push(piece);
        onFirstPiece();
      }
      client.destroy();
      check('The text arrived whole, in the ten pieces that Bedrock wrote', () => deepEqual(pieces, TEXT_PIECES));
      check('The first piece was here while Bedrock was still writing', () => ok(bedrockStillWrites));
    },
  };
}
