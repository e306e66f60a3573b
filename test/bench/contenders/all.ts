import type { StartContender } from './contender.ts';
import { startDirect } from './direct.ts';
import { startFloor, startOurs } from './functions-host.ts';
import { startHttpxy } from './httpxy.ts';
import { startNginx } from './nginx.ts';
import { startPortkey } from './portkey.ts';

/** Who is measured, in the order of the tables. */
export const CONTENDERS = {
  direct: startDirect,
  floor: startFloor,
  ours: startOurs,
  httpxy: startHttpxy,
  nginx: startNginx,
  portkey: startPortkey,
} as const satisfies Record<string, StartContender>;

export type ContenderName = keyof typeof CONTENDERS;
export const CONTENDER_NAMES = Object.keys(CONTENDERS) as ContenderName[];

/** What the others are, for the reader of a table. */
export const DESCRIPTIONS: Readonly<Record<ContenderName, string>> = {
  direct: 'client to upstream, nothing between',
  floor: 'Functions host emulator, @azure/functions, undici: forwards, signs nothing',
  ours: 'Functions host emulator, the built bundle: checks, signs, frames, logs',
  httpxy: 'httpxy and @smithy/signature-v4 in thirty lines: signs, no Functions host',
  nginx: 'proxy_pass without buffering: signs nothing, no Functions host',
  portkey: '@portkey-ai/gateway: signs, translates to the language of OpenAI, no Functions host',
};
