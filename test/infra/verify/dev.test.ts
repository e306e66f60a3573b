import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { expect, it } from 'vitest';

import { printed, startDev } from '../../dev/dev-process.ts';
import { runVerify } from './command-line.ts';

it('finds nothing wrong with `npm run dev`, and what is wrong with a model that it makes fail', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'verify-dev-'));
  const dev = startDev({ PORT: '0' }, { folder });
  try {
    const { url, key } = await printed(dev);
    const good = await runVerify([url, '--json'], { VERIFY_KEY: key });
    const { checks } = JSON.parse(good.stdout) as { checks: { id: string; status: string }[] };
    const looked = checks.filter(({ status }) => status !== 'skipped');
    expect(looked.map(({ id, status }) => `${id} ${status}`)).toStrictEqual(
      ['11', '12', '13', '14', '15', '16', '17', '18', '19'].map((id) => `${id} ok`),
    );
    expect(good.code).toBe(0);
    const throttled = await runVerify([url, '--model', 'emulated.throttled'], { VERIFY_KEY: key });
    expect(throttled.code).toBe(1);
    expect(throttled.stdout.replaceAll(/\s+/g, ' ')).toMatch(
      /failed 17 .* plain: 429 ThrottlingException of Bedrock.* -> The quota of the AWS account is used up/,
    );
  } finally {
    await dev.interrupt();
    await rm(folder, { recursive: true });
  }
});
