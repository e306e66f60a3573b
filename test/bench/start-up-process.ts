import { randomUUID } from 'node:crypto';
import { createRequire } from 'node:module';

import { provideCoreModule } from '../emulators/functions-host/worker-core.ts';
import { runInvocation } from '../emulators/functions-host/worker-invocation.ts';

/**
 * A worker with nothing in it but the bundle (argument 1), which tells its parent how far it has got, and then waits for
 * one call.
 */
export interface Started {
  /** Port of the library's server. */
  readonly port: number;
  readonly invocationId: string;
  /** Start of the process, as Unix time in milliseconds, if this file and the emulator took no time to load. */
  readonly origin: number;
  /** Milliseconds after that: Node runs code, the bundle has registered its function, the library's server listens. */
  readonly node: number;
  readonly registered: number;
  readonly listening: number;
}

const app = provideCoreModule(() => {});
const invocationId = randomUUID();
const node = performance.nodeTiming.bootstrapComplete;
const harness = performance.now() - node;
const sinceStart = (): number => performance.now() - harness;

createRequire(import.meta.url)(process.argv[2] ?? '');
const registered = sinceStart();
const capabilities = await app.programmingModel?.getCapabilities({});
const started: Started = {
  port: Number(new URL(capabilities?.['HttpUri'] ?? '').port),
  invocationId,
  origin: performance.timeOrigin + harness,
  node,
  registered,
  listening: sinceStart(),
};
process.on('disconnect', () => process.exit());
process.send?.(started);

const [functionName = ''] = app.functions.keys();
const call = { invocationId, functionName, triggerMetadata: {}, traceParent: '' } as const;
await runInvocation(app, { type: 'invocationRequest', ...call }, () => {});
