import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';

import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';

import { GROUPS } from '../../src/bedrock/groups.ts';
import { TEXT } from '../emulators/bedrock/tokens.ts';
import { type Chain, startChain } from '../emulators/chain.ts';
import { blocksIn } from '../support/markdown.ts';
import { forGateway } from '../support/page-snippets.ts';
import { root } from '../support/root.ts';

const page = readFileSync(join(root, 'src/bedrock/CLIENTS.md'), 'utf8');

/** The scripts of the page, by the package that each is for. */
const scripts = blocksIn(page, 'js').map((script): [string, string] => {
  const [, name = ''] = /import .+ from '([^']+)';/.exec(script) ?? [];
  return [`${name}: ${/new \w+|create\w+\(/.exec(script)?.[0] ?? ''}`, script];
});

let chain: Chain;
beforeAll(async () => {
  chain = await startChain({ settings: { OPERATIONS: GROUPS.join(',') } });
});
afterAll(() => chain.close());
afterEach(() => {
  for (const service of [chain.bedrock, ...Object.values(chain.services)]) service.reset();
});

describe('the scripts of CLIENTS.md run as they are', () => {
  it('there are some', () => {
    expect(scripts.length).toBeGreaterThan(5);
  });

  it.each(scripts)('%s', async (_, script) => {
    const { stdout, stderr } = await promisify(execFile)(
      process.execPath,
      ['--input-type=module', '--eval', forGateway(script, chain.gateway)],
      { cwd: root, env: { PATH: process.env['PATH'] } },
    );
    expect(stderr).toBe('');
    expect(stdout.trim()).toBe(TEXT);
    const services = [chain.bedrock, ...Object.values(chain.services)];
    expect(services.flatMap(({ requests }) => requests).map(({ verified }) => verified)).toStrictEqual([true]);
  });
});
