import { type StartContender, Unavailable } from './contender.ts';
import { startDirect } from './direct.ts';
import { startBundle, startFloor, settingsOf } from './functions-host.ts';
import { startHttpxy } from './httpxy.ts';
import { startNginx } from './nginx.ts';
import { startPortkey } from './portkey.ts';

/** What the contenders are, for the reader of a table, in its order. */
export const DESCRIPTIONS = {
  direct: 'client to upstream, nothing between',
  floor: 'Functions host emulator, @azure/functions, undici: forwards, signs nothing',
  ours: 'Functions host emulator, the built bundle: checks, signs, frames, logs',
  before: 'the same with the bundle of another folder (--against)',
  httpxy: 'httpxy and @smithy/signature-v4 in thirty lines: signs, no Functions host',
  nginx: 'proxy_pass without buffering: signs nothing, no Functions host',
  portkey: '@portkey-ai/gateway: signs, translates to the language of OpenAI, no Functions host',
} as const;

export type ContenderName = keyof typeof DESCRIPTIONS;
export const CONTENDER_NAMES = Object.keys(DESCRIPTIONS) as ContenderName[];

/** Those that are compared as precisely as can be, and what starts them. */
export type CoreName = 'floor' | 'ours' | 'before';
export type CoreContenders = Readonly<Partial<Record<CoreName, typeof startFloor>>>;

/** @param against folder of another checkout, with its built bundle */
export function coreContenders(against?: string): CoreContenders {
  return {
    floor: startFloor,
    ours: (upstream) => startBundle(settingsOf(upstream)),
    ...(against === undefined ? {} : { before: (upstream) => startBundle(settingsOf(upstream), { folder: against }) }),
  };
}

/** Those of whom it is enough to know about how fast they are. */
export const OTHERS = {
  direct: startDirect,
  httpxy: startHttpxy,
  nginx: startNginx,
  portkey: startPortkey,
} as const satisfies Partial<Record<ContenderName, StartContender>>;

/** Starts what can be started here; of the others it tells why not. */
export async function startAll<Name extends string, C>(
  starts: Readonly<Partial<Record<Name, (upstream: string) => Promise<C>>>>,
  upstream: string,
): Promise<{ readonly running: Map<Name, C>; readonly skipped: Map<Name, string> }> {
  const running = new Map<Name, C>();
  const skipped = new Map<Name, string>();
  for (const [name, start] of Object.entries(starts) as [Name, (upstream: string) => Promise<C>][]) {
    try {
      running.set(name, await start(upstream));
    } catch (error) {
      if (!(error instanceof Unavailable)) throw error;
      skipped.set(name, error.message);
    }
  }
  return { running, skipped };
}
