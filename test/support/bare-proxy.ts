import { createServer } from 'node:http';

import { createAwsTime } from '../../src/aws/time.ts';
import { createRouter } from '../../src/bedrock/route.ts';
import { RUNTIME } from '../../src/bedrock/runtime.ts';
import { createBufferBudget } from '../../src/buffer-budget.ts';
import { admitEveryone } from '../../src/callers/admission.ts';
import { systemClock } from '../../src/clock.ts';
import { createProxy, type ProxyDependencies } from '../../src/proxy/proxy.ts';
import { EXAMPLE_KEY } from '../emulators/bedrock/bedrock.ts';
import { listen, type Listening } from './listen.ts';

type Given = 'budgets' | 'observe' | 'planRegions' | 'regions' | 'targets';

/** The proxy without host and gateway: a server that hands it what comes, and admits everyone. */
export function startBareProxy(
  dependencies: Pick<ProxyDependencies, Given> & Partial<ProxyDependencies>,
): Promise<Listening> {
  const answer = createProxy({
    tellCaller: (caller) => caller,
    admit: admitEveryone,
    findRoute: createRouter([RUNTIME]),
    operations: new Set(['inference']),
    credentials: { get: async () => EXAMPLE_KEY, replace: async () => undefined, probe: async () => EXAMPLE_KEY },
    awsTime: createAwsTime(() => {}),
    clock: systemClock,
    budget: createBufferBudget(10_000_000),
    requestMetadata: false,
    limits: { requestBytes: 10_000, uploadMs: 60_000, firstByteMs: 60_000, streamMs: 60_000 },
    log: () => {},
    ...dependencies,
  });
  return listen(
    createServer(async (request, response) => {
      const { method = '', url = '' } = request;
      const gone = new AbortController().signal;
      const reply = await answer({ id: 'i', startedAt: systemClock.now(), method, url, request, response, gone });
      response.writeHead(reply.status, reply.headers);
      await reply.writeBody?.(response);
      for (const piece of reply.body ?? []) response.write(piece);
      response.end();
    }),
  );
}
