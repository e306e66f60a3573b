import { deepEqual, equal, ok } from 'node:assert/strict';

import { BedrockRuntimeClient } from '@aws-sdk/client-bedrock-runtime';
import { NodeHttpHandler } from '@smithy/node-http-handler';

import { joinHeaders, type ReceivedRequest } from '../emulators/bedrock/received-request.ts';
import type { BedrockKey } from '../emulators/bedrock/sigv4-verifier.ts';
import { type Chain, newKey } from '../emulators/chain.ts';
import { converse, errorOf, gatewayClient } from './client.ts';
import { mask } from './columns.ts';
import type { ComparedRow, Page } from './page.ts';
import type { Step } from './steps.ts';

type Headers = Readonly<Record<string, string>>;

/** What belongs to the gateway, to Azure or to the client's subscription, and must stay there. */
const PRIVATE = /^(api-key|ocp-apim-.*|x-gateway-.*|x-ms-.*|x-forwarded-.*|x-functions-key)$/;

/** What the client sent beside what reached Bedrock, and that Bedrock's verifier means it. */
export function signature(chain: Chain, page: Page): Step {
  return {
    title: 'What the client sent, and what reached Bedrock',
    async run(check) {
      const client = gatewayClient(chain);
      await converse(client);
      client.destroy();
      const [sent, received] = [chain.gateway.requests.at(-1), chain.bedrock.requests.at(-1)];
      ok(sent !== undefined && received !== undefined);
      const [asked, passed] = [joinHeaders(sent.rawHeaders), joinHeaders(sent.forwarded?.rawHeaders ?? [])];
      const added = Object.keys(passed).filter((name) => asked[name] === undefined);
      page.compare(['the client sent', 'Bedrock received'], comparison(sent, asked, received));
      page.text(`On the way the gateway added a token for the function, and ${added.toSorted().join(', ')}.`);

      check('The client signed with a key id that AWS does not know: it has no AWS keys', () => {
        equal(asked['api-key'], chain.gateway.subscriptionKey);
        equal(keyId(asked), 'none');
      });
      check('Bedrock verified the signature, made with the key of the vault', () => {
        equal(received.refusal, undefined);
        ok(received.verified);
        equal(received.accessKeyId, chain.key.accessKeyId);
      });
      check('No api-key, token or header of gateway or platform reached Bedrock', () => {
        ok(added.includes('x-gateway-subscription-id') && added.includes('x-forwarded-for'));
        ok(passed['authorization']?.startsWith('Bearer '));
        deepEqual(
          Object.keys(received.headers).filter((name) => PRIVATE.test(name)),
          [],
        );
        ok(received.headers['authorization']?.startsWith('AWS4-HMAC-SHA256 '));
      });
      const forged = await signDirectly(chain, { ...newKey(), accessKeyId: chain.key.accessKeyId });
      check('The same verifier refuses the right key id with another secret', () =>
        equal(forged, 'InvalidSignatureException'),
      );
    },
  };
}

function comparison(
  sent: { readonly method: string; readonly target: string },
  asked: Headers,
  received: ReceivedRequest,
): ComparedRow[] {
  const reached = received.headers;
  const pair = (name: string): ComparedRow => [name, asked[name] ?? '-', reached[name] ?? '-'];
  return [
    ['request', `${sent.method} ${sent.target}`, `${received.method} ${received.target}`],
    pair('host'),
    ['api-key', mask(asked['api-key'] ?? ''), reached['api-key'] ?? '-'],
    ['access key id', keyId(asked), keyId(reached)],
    ['signature', claim(asked, 'Signature'), claim(reached, 'Signature')],
    ['  over the headers', claim(asked, 'SignedHeaders'), claim(reached, 'SignedHeaders')],
    ...['x-amz-date', 'x-amz-content-sha256', 'content-type', 'content-length', 'accept-encoding'].map(pair),
    ['  verified', 'by nobody', received.verified ? 'by Bedrock' : 'by nobody'],
  ];
}

function keyId(headers: Headers): string {
  return claim(headers, 'Credential').split('/', 1)[0] ?? '';
}

/** A part of a Signature Version 4 `Authorization`. */
function claim(headers: Headers, name: string): string {
  return new RegExp(`${name}=([^,\\s]+)`).exec(headers['authorization'] ?? '')?.[1] ?? '-';
}

/** Name of the error that Bedrock itself gives to a client that signs with `credentials`. */
export async function signDirectly(chain: Chain, credentials: BedrockKey): Promise<string> {
  const { url: endpoint, region } = chain.bedrock;
  const requestHandler = new NodeHttpHandler();
  const client = new BedrockRuntimeClient({ endpoint, region, credentials, requestHandler, maxAttempts: 1 });
  const error = await errorOf(converse(client));
  client.destroy();
  return error instanceof Error ? error.name : String(error);
}
