import { join } from 'node:path';

import { startChild } from '../child.ts';
import type { StartContender } from './contender.ts';
import type { HttpxyService } from './httpxy-process.ts';

/** What signing alone costs a small Node proxy: no Functions host, no checks, nothing counted or logged. */
export const startHttpxy: StartContender = async (upstream) => {
  const proxy = await startChild<HttpxyService>(join(import.meta.dirname, 'httpxy-process.ts'), [upstream], {
    execArgv: ['--expose-gc'],
  });
  return {
    target: { origin: await proxy.ask('url'), dialect: 'bedrock', headers: {} },
    usage: () => proxy.ask('usage'),
    collectGarbage: () => proxy.ask('collectGarbage'),
    close: () => proxy.stop(),
  };
};
