import { equal, ok } from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

import { joinHeaders } from '../emulators/bedrock/received-request.ts';
import { TEXT } from '../emulators/bedrock/tokens.ts';
import type { Chain } from '../emulators/chain.ts';
import { converse, gatewayClient } from './client.ts';
import { mask } from './columns.ts';
import type { Page } from './page.ts';
import type { Step } from './steps.ts';

const CLIENT = fileURLToPath(new URL('./zero-code-client.ts', import.meta.url));

/** A program that is sent through the gateway by its environment alone. */
export function zeroCode(chain: Chain, page: Page): Step {
  return {
    title: 'A program that needs no change',
    async run(check) {
      const key = chain.gateway.subscriptionKey;
      const client = gatewayClient(chain);
      await converse(client);
      client.destroy();
      const withHeader = lastExchange(chain);
      const { stdout } = await promisify(execFile)(process.execPath, [CLIENT], {
        timeout: 120_000,
        env: {
          // Windows opens no socket without the first one.
          ...(process.env['SystemRoot'] === undefined ? {} : { SystemRoot: process.env['SystemRoot'] }),
          AWS_ENDPOINT_URL_BEDROCK_RUNTIME: chain.gateway.url,
          AWS_BEARER_TOKEN_BEDROCK: key,
          AWS_REGION: chain.bedrock.region,
        },
      });
      const withoutCode = lastExchange(chain);

      page.compare(
        ['a client told by its code', 'a client told by its environment'],
        [
          ['endpoint', 'endpoint in the configuration', 'AWS_ENDPOINT_URL_BEDROCK_RUNTIME'],
          ['subscription key', 'api-key header', 'AWS_BEARER_TOKEN_BEDROCK'],
          ['sent: api-key', mask(withHeader.asked['api-key'] ?? ''), withoutCode.asked['api-key'] ?? '-'],
          ['sent: authorization', scheme(withHeader.asked), `${scheme(withoutCode.asked)} ${mask(key)}`],
          ['at Bedrock: key id', withHeader.received.accessKeyId ?? '-', withoutCode.received.accessKeyId ?? '-'],
        ],
      );
      page.text(
        'Both give the SDK a NodeHttpHandler: its own handler speaks HTTP/2 only, which a gateway need not offer.',
      );

      check('A program with nothing but two variables and a region got the answer', () => equal(stdout, TEXT));
      check('It sent its key as a bearer token; Bedrock got a signature with the key of the vault', () => {
        equal(withoutCode.asked['api-key'], undefined);
        equal(withoutCode.asked['authorization'], `Bearer ${key}`);
        ok(withoutCode.received.verified);
        equal(withoutCode.received.accessKeyId, withHeader.received.accessKeyId);
        ok(!JSON.stringify(withoutCode.received.rawHeaders).includes(key));
      });
    },
  };
}

function lastExchange({ gateway, bedrock }: Chain) {
  const [sent, received] = [gateway.requests.at(-1), bedrock.requests.at(-1)];
  ok(sent !== undefined && received !== undefined);
  return { asked: joinHeaders(sent.rawHeaders), received };
}

function scheme({ authorization = '' }: Readonly<Record<string, string>>): string {
  return authorization.split(' ', 1)[0] ?? '';
}
