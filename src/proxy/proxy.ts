import { abortable } from '../abortable.ts';
import { findModel, readModel } from '../bedrock/body-model.ts';
import { attribute } from '../bedrock/request-metadata.ts';
import type { FindRoute, Route } from '../bedrock/route.ts';
import type { Budgets } from '../budgets/budgets.ts';
import { type BufferBudget, tooMuchBuffered } from '../buffer-budget.ts';
import type { Admit } from '../callers/admission.ts';
import { checkModel } from '../callers/allowed-models.ts';
import { callerOf } from '../callers/caller.ts';
import { systemClock } from '../clock.ts';
import { CallerGone, errorReply, toProxyError } from '../errors.ts';
import type { BodyLimits } from '../http/body.ts';
import { discardBody, type Exchange, whenClosed } from '../http/exchange.ts';
import type { Reply } from '../http/reply.ts';
import type { TraceContext } from '../record/finished-request.ts';
import { type Recorder, type RecorderOptions, startRecord } from '../record/recorder.ts';
import { createMeter } from '../usage/meter.ts';
import { forwardedHeaders } from './forwarded-headers.ts';
import { forwardedQuery } from './forwarded-query.ts';
import { orderOf, usageReply } from './budgets.ts';
import { createHealth, type Health } from './health.ts';
import { type Lifetime, type LifetimeLimits, startLifetime } from './lifetime.ts';
import { endAtDeadline } from './ending.ts';
import { relay } from './relay.ts';
import { type Body, readBody } from './request-body.ts';
import { send, type Sender } from './send.ts';

export interface ProxyDependencies extends RecorderOptions, Sender {
  readonly admit: Admit;
  readonly findRoute: FindRoute;
  readonly budget: BufferBudget;
  readonly budgets: Budgets;
  /** Whether requests name their caller to AWS. */
  readonly requestMetadata: boolean;
  readonly limits: BodyLimits & LifetimeLimits;
}

/**
 * Answers one exchange. Never rejects: a handler that fails leaves its caller without any answer.
 *
 * @param trace of the Functions host's own span, below which those of the proxy belong
 */
export type Proxy = (exchange: Exchange, trace?: TraceContext) => Promise<Reply>;

/** The way of a request: admit, route, read, sign, send, relay. Every step either goes on or throws the refusal. */
export function createProxy(dependencies: ProxyDependencies): Proxy {
  const health = createHealth(dependencies.credentials);
  return async (exchange, trace) => {
    const record = startRecord(exchange, dependencies, trace);
    const lifetime = startLifetime(exchange, dependencies.limits);
    whenClosed(exchange.response, lifetime.end);
    try {
      const reply = await answer(exchange, lifetime, record, { ...dependencies, health });
      lifetime.firstByteSent();
      if (reply.writeBody === undefined) endAtDeadline(exchange.response, lifetime.signal, record);
      return reply;
    } catch (error) {
      discardBody(exchange.request);
      record.failed(error);
      // Nobody hears this one, but the host needs an answer to be done with the invocation.
      if (error instanceof CallerGone) return { status: 499, headers: {} };
      return errorReply(toProxyError(error), exchange);
    }
  };
}

async function answer(
  { startedAt, method, url, request, response }: Exchange,
  { signal }: Lifetime,
  record: Recorder,
  dependencies: ProxyDependencies & { readonly health: Health },
): Promise<Reply> {
  const { admit, findRoute, health, budget, budgets, requestMetadata, limits } = dependencies;
  await abortable(admit(request), signal);
  const caller = callerOf(request.headers);
  record.caller(caller);
  const [pathname = ''] = url.split('?', 1);
  if (method === 'GET' && pathname === '/health') return health.reply(caller, signal);

  const order = orderOf(request.headers);
  if (method === 'GET' && pathname === '/usage') return usageReply(await budgets.standings(caller, order), caller);

  const route = findRoute(method, pathname);
  const { operation, path } = route;
  record.route(route);
  const call = operation.metering === 'used' ? budgets.admit(caller, order) : undefined;
  if (call !== undefined) record.budgets(call);
  const query = forwardedQuery(url.slice(pathname.length + 1), operation.query);
  const { signed, unsigned } = forwardedHeaders(request.headers);
  const { headers, rewrite } = requestMetadata ? attribute(operation, signed, caller) : { headers: signed };
  const uploadMs = Math.min(limits.uploadMs, limits.firstByteMs - (performance.now() - startedAt));
  const body = await readBody(request, { ...limits, uploadMs }, budget.lease(caller.subscriptionId), rewrite);
  try {
    record.body(body.received);
    const model = modelOf(route, body, caller.allowedModels !== undefined || call?.needsPrice === true);
    call?.checkModel(model);
    if (model !== undefined) {
      record.model(model);
      checkModel(caller, model);
    }
    const outgoing = { method: operation.method, path, query, headers, unsigned, body, caller };
    const upstreamAnswer = await send(outgoing, dependencies, signal, record);
    const meter = createMeter(
      operation.metering,
      upstreamAnswer,
      (usage) => {
        const cost = call?.charge(usage, model ?? meter.facts.model, meter.facts.serviceTier);
        if (cost !== undefined) record.cost(cost);
      },
      model,
    );
    record.upstreamHeaders(upstreamAnswer, meter);
    const lease = budget.lease(caller.subscriptionId);
    whenClosed(response, lease.release);
    const reply = await relay(upstreamAnswer, operation.dialect, { lease, record, meter, signal, clock: systemClock });
    if (call?.remaining !== undefined) reply.headers['x-bedrock-budget-remaining'] = call.remaining;
    return reply;
  } finally {
    body.release();
  }
}

/**
 * The model Bedrock will use: that of the canonical path, or the body's where the path has none. A body that names none
 * is refused only where the model decides whether the caller may go on.
 */
function modelOf({ operation, modelId }: Route, body: Body, decides: boolean): string | undefined {
  const { modelMember } = operation;
  if (modelId !== undefined || modelMember === undefined) return modelId;
  const read = decides ? readModel : findModel;
  return body.readWhole<string | undefined>(
    (whole) => read(whole, modelMember),
    () => {
      // For the record alone no call is refused.
      if (!decides) return undefined;
      throw tooMuchBuffered();
    },
  );
}
