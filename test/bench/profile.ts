import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { decode, type SourceMapMappings } from '@jridgewell/sourcemap-codec';

import { startFunctionsHost } from '../emulators/functions-host/host.ts';
import { root } from '../support/root.ts';
import { startClient } from './client.ts';
import type { Work } from './works.ts';

/** Processor time of one worker by where it was spent, in microseconds for one request. */
export type TimeByPlace = ReadonlyMap<string, number>;

/** What V8 writes for `--cpu-prof`. Times in microseconds, by the same clock as `process.hrtime`. */
interface CpuProfile {
  readonly startTime: number;
  readonly nodes: readonly {
    readonly id: number;
    readonly callFrame: {
      readonly functionName: string;
      readonly url: string;
      readonly lineNumber: number;
      readonly columnNumber: number;
    };
  }[];
  readonly samples: readonly number[];
  readonly timeDeltas: readonly number[];
}

/** Runs a work on a worker that V8 samples, after it has become warm. */
export async function profile(
  appDirectory: string,
  environment: Record<string, string>,
  work: Work,
  milliseconds: number,
): Promise<TimeByPlace> {
  const directory = await mkdtemp(join(tmpdir(), 'bench-profile-'));
  const host = await startFunctionsHost({
    appDirectory,
    environment,
    nodeArguments: ['--cpu-prof', '--cpu-prof-interval=200', `--cpu-prof-dir=${directory}`],
  });
  const client = await startClient();
  const headers = { 'x-functions-key': host.functionKey };
  const load = await client.open({ origin: host.url, dialect: 'bedrock', headers }, work);
  await load.run(milliseconds / 2);
  const from = Number(process.hrtime.bigint() / 1000n);
  const { requests } = await load.run(milliseconds);
  const to = Number(process.hrtime.bigint() / 1000n);
  await load.close();
  await client.stop();
  await host.stop();
  const [file = ''] = await readdir(directory);
  const profiled = JSON.parse(await readFile(join(directory, file), 'utf8')) as CpuProfile;
  await rm(directory, { recursive: true });
  return timeByPlace(profiled, from, to, requests, await placesOf(join(root, 'dist/index.cjs')));
}

function timeByPlace(
  { startTime, nodes, samples, timeDeltas }: CpuProfile,
  from: number,
  to: number,
  requests: number,
  placeIn: (line: number, column: number) => string,
): TimeByPlace {
  const places = new Map(
    nodes.map(({ id, callFrame: { functionName, url, lineNumber, columnNumber } }) => {
      if (url.endsWith('dist/index.cjs')) return [id, placeIn(lineNumber, columnNumber)];
      if (url === '') return [id, functionName];
      return [id, url.startsWith('node:') ? url : placeOf(url.replace('file://', ''))];
    }),
  );
  const times = new Map<string, number>();
  let at = startTime;
  for (const [index, sample] of samples.entries()) {
    const delta = timeDeltas[index] ?? 0;
    at += delta;
    const place = places.get(sample) ?? '';
    if (at < from || at > to || place === '(idle)') continue;
    times.set(place, (times.get(place) ?? 0) + delta / requests);
  }
  return new Map([...times].toSorted(([, one], [, other]) => other - one));
}

/** Where a position of a bundle comes from. */
async function placesOf(bundle: string): Promise<(line: number, column: number) => string> {
  const { sources, mappings } = JSON.parse(await readFile(`${bundle}.map`, 'utf8')) as {
    sources: string[];
    mappings: string;
  };
  const lines: SourceMapMappings = decode(mappings);
  return (line, column) => {
    const segment = lines[line]?.findLast(([at]) => at <= column);
    return placeOf(sources[segment?.[1] ?? -1] ?? bundle);
  };
}

/** A file of the project, or the package that a file is of. */
function placeOf(path: string): string {
  const [, name] = /.*node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(path) ?? [];
  return name ?? path.replace(`${root}/`, '').replace(/^(\.\.\/)+/, '');
}
