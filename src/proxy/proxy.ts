import { abortable } from '../abortable.ts';
import { glimpseModel } from '../bedrock/body-model.ts';
import { modelOf } from '../bedrock/model-member.ts';
import { forwardedQuery } from '../aws/query.ts';
import { attribute } from '../bedrock/request-metadata.ts';
import { findRoute, type Route } from '../bedrock/route.ts';
import type { Sign } from '../aws/signer.ts';
import type { Upstream, UpstreamAnswer } from '../aws/upstream.ts';
import { usesTokens } from '../usage/meter.ts';
import type { BufferBudget } from '../buffer-budget.ts';
import type { AwsCredentials, CredentialsProvider } from '../credentials/provider.ts';
import { CallerGone, errorReply, toProxyError } from '../errors.ts';
import { sendWithFreshKeys } from './send.ts';
import type { BodyLimits } from '../http/body.ts';
import { discardBody, type Exchange, whenClosed } from '../http/exchange.ts';
import type { Admit } from '../callers/admission.ts';
import { checkModel } from '../callers/allowed-models.ts';
import { type Caller, callerOf } from '../callers/caller.ts';
import { forwardedHeaders } from './forwarded-headers.ts';
import { type Lifetime, type LifetimeLimits, startLifetime } from './lifetime.ts';
import { relay } from './relay.ts';
import { type Body, readBody } from './request-body.ts';
import type { Reply } from '../http/reply.ts';
import type { TraceContext } from '../record/finished-request.ts';
import { type Recorder, type RecorderOptions, startRecord } from '../record/recorder.ts';
import type { TokenBudget } from '../usage/token-budget.ts';

export interface ProxyDependencies extends RecorderOptions {
  readonly admit: Admit;
  readonly credentials: CredentialsProvider;
  readonly sign: Sign;
  readonly upstream: Upstream;
  readonly budget: BufferBudget;
  /** Absent: tokens are not limited. */
  readonly tokens: TokenBudget | undefined;
  /** Whether requests name their caller to AWS. */
  readonly requestMetadata: boolean;
  readonly limits: BodyLimits & LifetimeLimits;
}

/**
 * Answers one invocation. Never rejects: a handler that fails leaves its caller without any answer.
 *
 * @param trace of the Functions host's own span, below which those of the proxy belong
 */
export type Proxy = (invocation: Exchange, trace?: TraceContext) => Promise<Reply>;

/** The way of a request: admit, route, read, sign, send, relay. Every step either goes on or throws the refusal. */
export function createProxy(dependencies: ProxyDependencies): Proxy {
  return async (invocation, trace) => {
    const record = startRecord(invocation, dependencies, trace);
    const lifetime = startLifetime(invocation, dependencies.limits);
    whenClosed(invocation.response, lifetime.end);
    try {
      const reply = await answer(invocation, lifetime, record, dependencies);
      lifetime.firstByteSent();
      if (reply.writeBody === undefined) endWithLifetime(invocation, lifetime, record);
      return reply;
    } catch (error) {
      discardBody(invocation.request);
      record.failed(error);
      // Nobody hears this one, but the host needs an answer to be done with the invocation.
      if (error instanceof CallerGone) return { status: 499, headers: {} };
      return errorReply(toProxyError(error), invocation.id);
    }
  };
}

/** Sees to it that a caller who does not read a whole answer holds it no longer than any other. */
function endWithLifetime({ response }: Exchange, { signal }: Lifetime, record: Recorder): void {
  const end = () => {
    record.failed(signal.reason);
    response.destroy();
  };
  signal.addEventListener('abort', end, { once: true });
}

async function answer(
  { startedAt, method, url, request, response }: Exchange,
  lifetime: Lifetime,
  record: Recorder,
  { admit, credentials, sign, upstream, budget, tokens, requestMetadata, limits }: ProxyDependencies,
): Promise<Reply> {
  await abortable(admit(request), lifetime.signal);
  const caller = callerOf(request.headers);
  record.caller(caller);
  const [pathname = ''] = url.split('?', 1);
  if (method === 'GET' && pathname === '/health') return health(credentials, lifetime);

  const route = findRoute(method, pathname);
  record.route(route);
  if (tokens !== undefined && usesTokens(route.operation.name)) record.onUsage(tokens.admit(caller.subscriptionId));
  const query = forwardedQuery(url.slice(pathname.length + 1));
  const { signed, unsigned } = forwardedHeaders(request.headers);
  const { headers, rewrite } = requestMetadata ? attribute(route.operation, signed, caller) : { headers: signed };
  const uploadMs = Math.min(limits.uploadMs, limits.firstByteMs - (performance.now() - startedAt));
  const body = await readBody(request, { ...limits, uploadMs }, budget, rewrite);
  try {
    record.body(body.received);
    checkAllowedModel(caller, route, body, record);
    const send = async (keys: AwsCredentials): Promise<UpstreamAnswer> => {
      record.attempt();
      const signature = await sign({ method, path: route.path, query, headers, bodySha256: body.sha256 }, keys);
      const answered = await upstream.send({
        method: route.operation.method,
        target: query === '' ? route.path : `${route.path}?${query}`,
        headers: { ...signature, ...unsigned, 'accept-encoding': 'identity' },
        body: body.chunks,
        bodyLength: body.length,
        signal: lifetime.signal,
      });
      record.answered(answered);
      return answered;
    };
    const upstreamAnswer = await sendWithFreshKeys(send, credentials, lifetime, record);
    record.upstreamHeaders(upstreamAnswer);
    const lease = budget.lease();
    whenClosed(response, lease.release);
    return await relay(upstreamAnswer, route.operation.dialect, lease, record, lifetime.signal);
  } finally {
    body.release();
  }
}

/** The model that counts is the one Bedrock will use: that of the canonical path, or the body's where the path has none. */
function checkAllowedModel(caller: Caller, { operation, modelId }: Route, body: Body, record: Recorder): void {
  if (modelId !== undefined) return checkModel(caller, modelId);
  if (operation.modelMember === undefined) return;
  if (caller.allowedModels === undefined) {
    const glimpsed = glimpseModel(body.chunks, operation.modelMember);
    if (glimpsed !== undefined) record.model(glimpsed);
    return;
  }
  const { modelMember } = operation;
  const model = body.readWhole((whole) => modelOf(whole, modelMember));
  record.model(model);
  checkModel(caller, model);
}

/** Settings are good, or this code would not run; the keys must be at hand. AWS is not called. */
async function health(credentials: CredentialsProvider, { signal }: Lifetime): Promise<Reply> {
  await abortable(credentials.get(), signal);
  return { status: 200, headers: { 'content-type': 'application/json' }, body: [Buffer.from('{"status":"ok"}')] };
}
