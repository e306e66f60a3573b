import { abortable } from '../abortable.ts';
import type { OperationGroup } from '../bedrock/groups.ts';
import type { FindRoute } from '../bedrock/route.ts';
import type { Budgets } from '../budgets/budgets.ts';
import type { BufferBudget } from '../buffer-budget.ts';
import type { Admit } from '../callers/admission.ts';
import { callerOf } from '../callers/caller.ts';
import type { Clock } from '../clock.ts';
import { CallerGone, errorReply, toProxyError } from '../errors.ts';
import type { BodyLimits } from '../http/body.ts';
import { discardBody, type Exchange, whenClosed } from '../http/exchange.ts';
import type { Reply } from '../http/reply.ts';
import type { TraceContext } from '../record/finished-request.ts';
import { type Recorder, type RecorderOptions, startRecord } from '../record/recorder.ts';
import { regionOrder } from '../regions/orders.ts';
import { withoutUsageEvent } from '../usage/unasked-usage.ts';
import { forwardedHeaders } from './forwarded-headers.ts';
import { forwardedQuery } from './forwarded-query.ts';
import { chargingMeter, orderOf, usageReply } from './budgets.ts';
import { checkModels, refuseHiddenModel } from './called-models.ts';
import { createHealth, type Health } from './health.ts';
import { type Lifetime, type LifetimeLimits, startLifetime } from './lifetime.ts';
import { endAtDeadline } from './ending.ts';
import { checkOperation } from './operations.ts';
import { orderedRequest } from './ordered-request.ts';
import { ordersOf } from './orders.ts';
import { relay } from './relay.ts';
import { type RegionalSender, sendSomewhere } from './regions.ts';
import { readBody } from './request-body.ts';

export interface ProxyDependencies extends RecorderOptions, RegionalSender {
  readonly admit: Admit;
  readonly findRoute: FindRoute;
  /** The groups of operations that the app offers. */
  readonly operations: ReadonlySet<OperationGroup>;
  readonly budget: BufferBudget;
  readonly budgets: Budgets;
  /** Whether requests name their caller to AWS. */
  readonly requestMetadata: boolean;
  readonly limits: BodyLimits & LifetimeLimits;
  readonly clock: Clock;
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
    const lifetime = startLifetime(exchange, dependencies.limits, dependencies.clock);
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
  const { regions, admit, findRoute, operations, health, budget, budgets, requestMetadata, limits, clock } =
    dependencies;
  await abortable(admit(request), signal);
  const caller = callerOf(request.headers);
  record.caller(caller);
  const [pathname = ''] = url.split('?', 1);
  if (method === 'GET' && pathname === '/health') return health.reply(caller, signal);

  const order = orderOf(request.headers);
  if (method === 'GET' && pathname === '/usage') return usageReply(await budgets.standings(caller, order), caller);

  const orders = ordersOf(request.headers);
  const route = findRoute(method, pathname, orders.aliases);
  const { operation, path } = route;
  record.route(route);
  checkOperation(operation, request.headers, operations);
  const regional = regionOrder(request.headers, regions);
  const spends = operation.metering === 'used' || operation.metering === 'untold';
  const call = spends ? budgets.admit(caller, order) : undefined;
  if (call === undefined) budgets.check(order);
  else record.budgets(call);
  const query = forwardedQuery(url.slice(pathname.length + 1), operation.query);
  if (caller.allowedModels !== undefined) refuseHiddenModel(operation);
  const { signed, unsigned } = forwardedHeaders(request.headers, operation.headers);
  const ordered = orderedRequest(operation, signed, orders, requestMetadata ? caller : undefined, call?.counting);
  const { headers, rewrite } = ordered;
  const uploadMs = Math.min(limits.uploadMs, limits.firstByteMs - (clock.now() - startedAt));
  const body = await readBody(request, { ...limits, uploadMs }, budget.lease(caller.subscriptionId), rewrite);
  try {
    record.body(body.received);
    const models = checkModels(route, body, caller, call, ordered.modelInBody(), record);
    const outgoing = { method: operation.method, path, query, headers, unsigned, body, caller };
    const upstreamAnswer = await sendSomewhere(
      { route, model: models.model, order: regional, outgoing },
      dependencies,
      signal,
      record,
    );
    const meter = chargingMeter(operation.metering, upstreamAnswer, models, call, record);
    record.upstreamHeaders(upstreamAnswer, meter);
    const lease = budget.lease(caller.subscriptionId);
    whenClosed(response, lease.release);
    const shown = ordered.tellsUnasked() ? withoutUsageEvent : undefined;
    const relaying = { lease, record, meter, signal, clock, ...(shown && { shown }) };
    const reply = await relay(upstreamAnswer, operation, relaying);
    if (call?.remaining !== undefined) reply.headers['x-bedrock-budget-remaining'] = call.remaining;
    return reply;
  } finally {
    body.release();
  }
}
