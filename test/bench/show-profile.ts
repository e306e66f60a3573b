import { join } from 'node:path';

import { startChild } from './child.ts';
import { settingsOf } from './contenders/functions-host.ts';
import { profile, type TimeByPlace } from './profile.ts';
import type { UpstreamService } from './upstream-process.ts';
import { type WorkName, WORKS } from './works.ts';
import { root } from '../support/root.ts';

const MEASURE_MS = 8000;

/** Below this, in microseconds a request, a place is not worth a line. */
const LEAST = 0.3;

/** Where a request's processor time goes: ours and the floor's, by file and package. */
export async function showProfile(work: string): Promise<void> {
  if (!(work in WORKS)) throw new Error(`--work is one of ${Object.keys(WORKS).join(', ')}.`);
  const upstream = await startChild<UpstreamService>(join(import.meta.dirname, 'upstream-process.ts'));
  const url = await upstream.ask('url');
  const kind = WORKS[work as WorkName];
  const ours = await profile(root, settingsOf(url), kind, MEASURE_MS);
  const floor = await profile(join(import.meta.dirname, 'floor'), { UPSTREAM: url }, kind, MEASURE_MS);
  await upstream.stop();
  const places = [...new Set([...ours.keys(), ...floor.keys()])].filter(
    (place) => Math.max(ours.get(place) ?? 0, floor.get(place) ?? 0) >= LEAST,
  );
  console.log(`${kind.title}: µs for a request\n${line('ours', 'floor', 'place')}`);
  console.log(line(sum(ours).toFixed(1), sum(floor).toFixed(1), 'all'));
  for (const place of places) {
    console.log(line((ours.get(place) ?? 0).toFixed(1), (floor.get(place) ?? 0).toFixed(1), place));
  }
}

function line(ours: string, floor: string, place: string): string {
  return `${ours.padStart(8)}${floor.padStart(8)}  ${place}`;
}

function sum(times: TimeByPlace): number {
  return [...times.values()].reduce((total, time) => total + time, 0);
}
