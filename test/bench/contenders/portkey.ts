import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';

import { startChild } from '../child.ts';
import { type StartContender, Unavailable } from './contender.ts';
import { EXAMPLE_KEY, REGION } from './credentials.ts';
import { freePort, listening } from './port.ts';
import type { UsageService } from './report-usage.ts';

const PACKAGE = '@portkey-ai/gateway';
const VERSION = '1.15.2';

/**
 * Portkey's gateway, a Node proxy that signs for Bedrock too. It also translates: its clients speak OpenAI's language,
 * and a stream reaches them as server-sent events. Runs in its production mode, with no host before it.
 */
export const startPortkey: StartContender = async (upstream) => {
  const port = await freePort();
  const gateway = await startChild<UsageService>(
    join(await binaries(), `../${PACKAGE}/build/start-server.js`),
    ['--headless', `--port=${port}`],
    {
      env: { ...process.env, NODE_ENV: 'production' },
      execArgv: ['--expose-gc', '--import', join(import.meta.dirname, 'report-usage.ts')],
      stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
    },
  );
  await listening(port);
  return {
    target: { origin: `http://127.0.0.1:${port}`, dialect: 'openai', headers: headersFor(upstream) },
    usage: () => gateway.ask('usage'),
    collectGarbage: () => gateway.ask('collectGarbage'),
    close: () => gateway.stop(),
  };
};

function headersFor(upstream: string): Record<string, string> {
  return {
    'x-portkey-provider': 'bedrock',
    'x-portkey-custom-host': upstream,
    'x-portkey-aws-region': REGION,
    'x-portkey-aws-access-key-id': EXAMPLE_KEY.accessKeyId,
    'x-portkey-aws-secret-access-key': EXAMPLE_KEY.secretAccessKey,
  };
}

/** Has npm put the package into its cache, and returns the folder of its commands there. */
async function binaries(): Promise<string> {
  const npm = spawn(
    'npm',
    ['exec', '--yes', `--package=${PACKAGE}@${VERSION}`, '--', 'node', '-p', 'process.env.PATH'],
    {
      stdio: ['ignore', 'pipe', 'ignore'],
    },
  );
  const failed = new Promise<string>((resolve) => {
    npm.once('error', () => resolve(''));
  });
  const folder = (await Promise.race([text(npm.stdout), failed])).split(':', 1)[0]?.trim() ?? '';
  if (!folder.includes('_npx')) throw new Unavailable(`npm cannot get ${PACKAGE}@${VERSION}`);
  return folder;
}
