import { join } from 'node:path';

import { startChild } from '../child.ts';
import type { Contender } from './contender.ts';
import { EXAMPLE_KEY, REGION } from './credentials.ts';
import type { HostService } from './host-process.ts';

const path = (relative: string): string => join(import.meta.dirname, relative);

/** The Functions host with a function that only forwards. */
export const startFloor = (upstream: string): Promise<HostContender> =>
  startHost(path('../floor'), { UPSTREAM: upstream });

/** The Functions host with the built bundle, as it is deployed. */
export const startOurs = (upstream: string): Promise<HostContender> => startBundle(settingsOf(upstream));

/** The same with other settings, and headers that calls need by them. */
export function startBundle(
  settings: Record<string, string>,
  headers: Record<string, string> = {},
): Promise<HostContender> {
  return startHost(path('../../..'), settings, headers);
}

/** Settings of the function before this upstream, with keys in the environment. */
export function settingsOf(upstream: string): Record<string, string> {
  return {
    AWS_REGION: REGION,
    AWS_ENDPOINT_URL_BEDROCK_RUNTIME: upstream,
    AWS_ACCESS_KEY_ID: EXAMPLE_KEY.accessKeyId,
    AWS_SECRET_ACCESS_KEY: EXAMPLE_KEY.secretAccessKey,
    CALLER_AUTH: 'functionKey',
  };
}

/** A contender whose most memory between two moments can be told. */
export interface HostContender extends Contender {
  peak(): Promise<number | undefined>;
  forgetPeak(): Promise<void>;
}

async function startHost(
  appDirectory: string,
  settings: Record<string, string>,
  headers: Record<string, string> = {},
): Promise<HostContender> {
  const host = await startChild<HostService>(path('host-process.ts'), [appDirectory, JSON.stringify(settings)]);
  const { url, functionKey } = await host.ask('address');
  return {
    target: { origin: url, dialect: 'bedrock', headers: { 'x-functions-key': functionKey, ...headers } },
    usage: () => host.ask('usage'),
    peak: () => host.ask('peak'),
    forgetPeak: () => host.ask('forgetPeak'),
    collectGarbage: () => host.ask('collectGarbage'),
    close: () => host.stop(),
  };
}
