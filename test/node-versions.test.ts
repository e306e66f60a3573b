import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

import { BedrockRuntimeClient, ConverseStreamCommand } from '@aws-sdk/client-bedrock-runtime';
import { expect, it } from 'vitest';

import { startChain } from './emulators/chain.ts';

const modelId = 'anthropic.claude-3-haiku-20240307-v1:0';

/** Path of a Node binary of that major version; npm keeps it in its cache. */
async function nodeBinary(major: number): Promise<string> {
  const { stdout } = await promisify(execFile)(
    'npm',
    ['exec', '--yes', `--package=node@${major}`, '--', 'node', '--print', 'process.execPath'],
    // Outside the project, whose own Node would be found first.
    { cwd: '/', shell: process.platform === 'win32' },
  );
  return stdout.trim().split('\n').at(-1) ?? '';
}

it.each([22, 24])('the bundle runs on Node %i', { timeout: 120_000 }, async (major) => {
  const node = await nodeBinary(major);
  const { stdout } = await promisify(execFile)(node, ['--version']);
  expect(stdout).toMatch(new RegExp(`^v${major}\\.`));
  const chain = await startChain({ node });
  const client = new BedrockRuntimeClient(chain.clientConfig());
  const { stream } = await client.send(new ConverseStreamCommand({ modelId, messages: [] }));
  expect((await Array.fromAsync(stream ?? [])).at(-1)).toHaveProperty('metadata');
  client.destroy();
  await chain.close();
});
