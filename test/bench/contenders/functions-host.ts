import { join } from 'node:path';

import { startChild } from '../child.ts';
import type { Contender } from './contender.ts';
import { EXAMPLE_KEY, REGION } from './credentials.ts';
import type { HostService } from './host-process.ts';

const path = (relative: string): string => join(import.meta.dirname, relative);

/** The Functions host with a function that only forwards. */
export const startFloor = (upstream: string): Promise<HostContender> =>
  startHost(path('../floor'), { UPSTREAM: upstream });

/** How a bundle is started. */
export interface BundleOptions {
  /** What calls need beside the key of the host. */
  readonly headers?: Readonly<Record<string, string>>;
  /** With `host.json`, `package.json` and the built bundle; default: this repository. */
  readonly folder?: string;
}

/** The Functions host with a built bundle, as it is deployed. */
export function startBundle(settings: Record<string, string>, options: BundleOptions = {}): Promise<HostContender> {
  return startHost(options.folder ?? path('../../..'), settings, options);
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
  { headers = {} }: Pick<BundleOptions, 'headers'> = {},
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
