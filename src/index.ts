import { app, type HttpResponseInit, type InvocationContext } from '@azure/functions';

import { createSigner } from './aws/signer.ts';
import { createUpstream } from './aws/upstream.ts';
import { createBufferBudget } from './buffer-budget.ts';
import { type CallerAuthConfig, type Config, type CredentialsConfig, readConfig } from './config/config.ts';
import { cachedCredentials, type CredentialsProvider, fixedCredentials } from './credentials/provider.ts';
import { describeError, errorReply, ProxyError, toProxyError } from './errors.ts';
import { type Admit, admitCallers, admitEveryone, type VerifyToken } from './callers/caller.ts';
import { discardBody, sendWithEnd } from './http/exchange.ts';
import { claimInvocation, collectInvocations, type Invocation } from './functions/invocation.ts';
import { guardLibrary } from './functions/library.ts';
import { createProxy, type Proxy } from './proxy/proxy.ts';
import type { Reply } from './http/reply.ts';
import { ConfigError } from './config/settings.ts';
import { endOrderly, trackAnswers } from './functions/shutdown.ts';
import { loadTelemetry } from './telemetry/load.ts';
import { collectLines } from './log.ts';
import { createTokenBudget } from './usage/token-budget.ts';
import { warmUp } from './proxy/warm-up.ts';

collectInvocations();
app.setup({ enableHttpStream: true });

const answers = trackAnswers();
const lines = collectLines(console.log);
// However the worker ends, short of being killed.
process.on('exit', lines.flush);
// One that a library has left behind, say, is no reason to end the worker and every stream in it.
process.on('unhandledRejection', (reason) => logDefect(reason));
const settings = readSettings();
const telemetry =
  settings instanceof ConfigError ? undefined : loadTelemetry(settings, () => answers.count, console.error);
const proxy = settings instanceof ConfigError ? misconfigured(settings) : compose(settings);

app.http('bedrock', {
  // All of them, so that a wrong method gets an answer in AWS's shape instead of the host's bare 404.
  methods: ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'HEAD', 'OPTIONS'],
  // With wrong settings the only answer is 503, and whoever asks for the reason should see it.
  authLevel: 'region' in settings && settings.callerAuth.mode === 'functionKey' ? 'function' : 'anonymous',
  route: '{*path}',
  handler: async (_request, context) => handle(context),
});
guardLibrary();

// The library answers a failed invocation with nothing at all, for minutes (azure-functions-nodejs-library#324).
app.hook.postInvocation((context) => {
  const answered = typeof context.result === 'object' && context.result !== null;
  if (answered && (context.error === undefined || context.error === null)) return;
  const error = context.error ?? new Error('The handler returned no reply.');
  context.result = defect(error, context.invocationContext.invocationId);
  context.error = null;
});

// The worker exits as soon as these hooks have run, with whatever streams it still writes.
app.hook.appTerminate(() => endOrderly(answers, telemetry));

async function handle({ invocationId, traceContext }: InvocationContext): Promise<HttpResponseInit> {
  try {
    const invocation = claimInvocation(invocationId);
    // Fails closed: without the raw request every header could be forged.
    if (invocation === undefined) return defect(new Error('no raw request'), invocationId);
    answers.add(invocation.response);
    return handOver(await proxy(invocation, traceContext), invocation);
  } catch (error) {
    return defect(error, invocationId);
  }
}

/**
 * The reply in the library's terms, which are few: headers and bytes go straight to the connection. The library would
 * join a repeated field into one, which Set-Cookie does not survive, copy each field three times, and wrap the body.
 */
function handOver({ status, headers, body, writeBody }: Reply, { response }: Invocation): HttpResponseInit {
  for (const name in headers) response.setHeader(name, headers[name] ?? '');
  if (writeBody === undefined) {
    if (body !== undefined) sendWithEnd(response, body);
    return { status };
  }
  const nothingToYield = async () => {
    await writeBody(response);
    return { done: true as const, value: undefined };
  };
  return { status, body: { [Symbol.asyncIterator]: () => ({ next: nothingToYield }) } };
}

function defect(error: unknown, invocationId: string): HttpResponseInit {
  logDefect(error, invocationId);
  const { status, headers, body } = errorReply(toProxyError(new Error('defect', { cause: error })), invocationId);
  return { status, headers, body: body[0] };
}

function logDefect(error: unknown, requestId?: string): void {
  console.error(JSON.stringify({ event: 'bedrock.defect', requestId, cause: describeError(error) }));
}

function readSettings(): Config | ConfigError {
  try {
    return readConfig();
  } catch (error) {
    if (error instanceof ConfigError) return error;
    throw error;
  }
}

/** Answers every request with the names of the wrong settings: a worker that failed to start would answer nothing. */
function misconfigured({ message }: ConfigError): Proxy {
  console.error(JSON.stringify({ event: 'bedrock.settings', message }));
  return async ({ id, request }) => {
    discardBody(request);
    return errorReply(new ProxyError('unavailable', message), id);
  };
}

function compose(config: Config): Proxy {
  const { region, origin, callerAuth, credentials: source, limits, requestMetadata, tokensPerMinute } = config;
  const upstream = createUpstream(origin, limits);
  const credentials = credentialsFrom(source);
  const sign = createSigner(region, origin);
  // While the host goes on starting, but after the function is registered.
  setImmediate(() => {
    void warmUp(sign, credentials);
    upstream.prepare();
  });
  return createProxy({
    region,
    admit: admission(callerAuth),
    credentials,
    sign,
    upstream,
    budget: createBufferBudget(limits.bufferedBytes),
    tokens: tokensPerMinute === undefined ? undefined : createTokenBudget(tokensPerMinute),
    requestMetadata,
    limits,
    log: lines.add,
    observe: telemetry?.observe,
  });
}

function admission(config: CallerAuthConfig): Admit {
  if (config.mode === 'functionKey') return admitEveryone;
  // jose is a bundle of its own, loaded in this mode only.
  const verifier = import('./callers/entra.ts').then(({ createEntraVerifier }) => createEntraVerifier(config));
  verifier.catch(() => {});
  const verify: VerifyToken = async (token) => (await verifier)(token);
  return admitCallers(verify, config.allowedCallers);
}

function credentialsFrom(config: CredentialsConfig): CredentialsProvider {
  if (config.source === 'environment') return fixedCredentials(config.keys);
  // The Azure SDKs are a bundle of their own; they load while the host is still starting.
  const reader = import('./credentials/key-vault.ts').then(({ createVaultReader }) => createVaultReader(config.vault));
  const provider = cachedCredentials(async (signal) => (await reader)(signal), {
    refreshMs: 1000 * config.refreshSeconds,
    onFailure: (error, stale) =>
      console.error(JSON.stringify({ event: 'bedrock.credentials', stale, cause: describeError(error) })),
  });
  return provider;
}
