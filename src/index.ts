import { app } from '@azure/functions';

import { createTargets } from './aws/target.ts';
import { createAwsTime } from './aws/time.ts';
import { createRouter } from './bedrock/route.ts';
import { RUNTIME } from './bedrock/runtime.ts';
import { SERVICES } from './bedrock/services.ts';
import { createBufferBudget } from './buffer-budget.ts';
import type { Budgets } from './budgets/budgets.ts';
import { loadBudgets } from './budgets/load.ts';
import { readPrices } from './budgets/prices.ts';
import { callerNames } from './callers/caller-names.ts';
import { loadAdmission } from './callers/load.ts';
import { systemClock } from './clock.ts';
import { type Config, readConfig } from './config/config.ts';
import { ConfigError } from './config/reader.ts';
import { loadCredentials } from './credentials/load.ts';
import { errorReply, ProxyError } from './errors.ts';
import { createHandler, defect } from './functions/handler.ts';
import { collectExchanges } from './functions/invocation.ts';
import { guardLibrary } from './functions/library.ts';
import { shutDown, trackInFlight } from './functions/shutdown.ts';
import { discardBody } from './http/exchange.ts';
import { collectLines, describeError, eventLine, logDefect } from './log.ts';
import { createProxy, type Proxy } from './proxy/proxy.ts';
import { warmUp } from './proxy/warm-up.ts';
import { createPlanner } from './regions/plan.ts';
import { loadTelemetry } from './telemetry/load.ts';
import type { Telemetry } from './telemetry/telemetry.ts';

/** `infra/prices.csv`, put in by the build. */
declare const PRICES: string;

interface Composed {
  readonly proxy: Proxy;
  readonly budgets?: Budgets;
}

collectExchanges(systemClock);
app.setup({ enableHttpStream: true });

const inFlight = trackInFlight();
const lines = collectLines(console.log);
// However the worker ends, short of being killed.
process.on('exit', lines.flush);
// One that a library has left behind, say, is no reason to end the worker and every stream in it.
process.on('unhandledRejection', (reason) => logDefect(reason));
const settings = readSettings();
const telemetry = settings instanceof ConfigError ? undefined : observeBy(settings);
const composed = settings instanceof ConfigError ? misconfigured(settings) : compose(settings);

app.http('bedrock', {
  // All of them, so that a wrong method gets an answer in AWS's shape instead of the host's bare 404.
  methods: ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'HEAD', 'OPTIONS'],
  // With wrong settings the only answer is 503, and whoever asks for the reason should see it.
  authLevel: 'regions' in settings && settings.callerAuth.mode === 'functionKey' ? 'function' : 'anonymous',
  route: '{*path}',
  handler: createHandler(composed.proxy, inFlight),
});
guardLibrary();

// The library answers a failed invocation with nothing at all, for minutes (azure-functions-nodejs-library#324).
app.hook.postInvocation((context) => {
  const answered = typeof context.result === 'object' && context.result !== null;
  if (answered && (context.error === undefined || context.error === null)) return;
  const error = context.error ?? new Error('The handler returned no reply.');
  context.result = defect(error, { id: context.invocationContext.invocationId });
  context.error = null;
});

// The worker exits as soon as these hooks have run, with whatever streams it still writes.
app.hook.appTerminate(() => shutDown(systemClock, inFlight, composed.budgets, telemetry));

function readSettings(): Config | ConfigError {
  try {
    return readConfig();
  } catch (error) {
    if (error instanceof ConfigError) return error;
    throw error;
  }
}

/** Answers every request with the names of the wrong settings: a worker that failed to start would answer nothing. */
function misconfigured({ message }: ConfigError): Composed {
  console.error(eventLine('bedrock.settings', { message }));
  const proxy: Proxy = async (exchange) => {
    discardBody(exchange.request);
    return errorReply(new ProxyError('unavailable', message), exchange);
  };
  return { proxy };
}

function observeBy({ telemetry: config, telemetryProblems: problems }: Config): Telemetry | undefined {
  return loadTelemetry({ config, problems }, () => inFlight.count, console.error);
}

function compose(config: Config): Composed {
  const { regions, endpoints, operations, callerAuth, limits, requestMetadata } = config;
  const awsTime = createAwsTime((offsetMs) =>
    console.error(eventLine('bedrock.clock', { offsetSeconds: Math.round(offsetMs / 1000) })),
  );
  const budgets = loadBudgets(config.budgets, readPrices(PRICES), (error, failures) =>
    console.error(eventLine('bedrock.budgets', { failures, cause: describeError(error) })),
  );
  const credentials = loadCredentials(
    config.credentials,
    ({ error, stale, facts }) =>
      console.error(eventLine('bedrock.credentials', { stale, ...facts, cause: describeError(error) })),
    awsTime.offsetMs,
  );
  const targets = createTargets({ regions, endpoints, limits, now: awsTime.now });
  // While the host goes on starting, but after the function is registered.
  setImmediate(() => {
    const runtimes = regions.map((region) => targets.of(RUNTIME, region));
    // First what takes its time elsewhere.
    for (const { upstream } of runtimes) upstream.prepare();
    void warmUp(runtimes, credentials);
  });
  const proxy = createProxy({
    regions,
    planRegions: createPlanner(regions, systemClock),
    tellCaller: callerNames(config.callerNames),
    admit: loadAdmission(callerAuth),
    findRoute: createRouter(SERVICES, operations),
    operations,
    credentials,
    awsTime,
    clock: systemClock,
    targets,
    budget: createBufferBudget(limits.bufferedBytes),
    budgets,
    requestMetadata,
    limits,
    log: lines.add,
    observe: telemetry?.observe,
  });
  return { proxy, budgets };
}
