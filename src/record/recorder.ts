import type { CalledModel } from '../bedrock/model-aliases.ts';
import { isModelId } from '../bedrock/model-id.ts';
import type { Route } from '../bedrock/route.ts';
import type { Operation } from '../bedrock/service.ts';
import type { AwsCredentials } from '../aws/credentials.ts';
import { isErrorAnswer } from '../aws/error-type.ts';
import { SignatureRefused } from '../aws/signature-refusal.ts';
import type { Target } from '../aws/target.ts';
import type { UpstreamAnswer } from '../aws/upstream.ts';
import { type Admission, BudgetExceeded } from '../budgets/admission.ts';
import type { Clock } from '../clock.ts';
import { formatOf } from '../streams/format.ts';
import type { UsageMeter } from '../usage/meter.ts';
import { CallerGone, type Failure, toProxyError } from '../errors.ts';
import { describeError, eventLine } from '../log.ts';
import type { Caller } from '../callers/caller.ts';
import type { TellCaller } from '../callers/caller-names.ts';
import { type Exchange, whenClosed } from '../http/exchange.ts';
import { addAnswer, conclude } from './derived.ts';
import { outcomeOf } from './outcome.ts';
import type { Attempt, Observe, TraceContext } from './finished-request.ts';
import type { ErrorSource, RequestRecord } from './record.ts';

/** Collects what becomes known of a request; logs it once, when the connection to the caller is done with it. */
export interface Recorder {
  caller(caller: Caller): void;
  route(route: Route): void;
  model(model: CalledModel): void;
  body(bytes: number): void;
  /** A request is about to be signed with these keys and sent. */
  attempt(keys: AwsCredentials, target: Pick<Target, 'region' | 'origin'>): void;
  /** The headers of an answer are there, which need not be the one that is passed on. */
  answered(answer: UpstreamAnswer): void;
  credentialsRefreshed(): void;
  /**
   * The headers of the answer that is passed on are there.
   *
   * @param meter tells at the end what the answer has used
   */
  upstreamHeaders(answer: UpstreamAnswer, meter: UsageMeter): void;
  /** How the budgets stand, and which of them would refuse the call, if that were its task. */
  budgets(admission: Admission): void;
  /** What the tokens cost by the price table. */
  cost(cost: number): void;
  /** These bytes have gone to the caller. */
  sent(pieces: readonly Buffer[]): void;
  /** A part of the model's text has gone to the caller. Only the first call counts. */
  firstToken(): void;
  /** The request is refused, or the answer broke off after its first byte was sent. */
  failed(error: unknown): void;
}

/** Failures whose cause the operator has to know, and which a caller cannot bring about at will: a line beside the record. */
const EXPLAINED = new Set<Failure>(['internal', 'unavailable', 'upstreamBroken']);

export interface RecorderOptions {
  /** By which an exchange's `startedAt` was read. */
  readonly clock: Pick<Clock, 'now'>;
  /** The app's, the first one first. */
  readonly regions: readonly string[];
  /** What of a caller is told. */
  readonly tellCaller: TellCaller;
  /**
   * Takes one line for standard output, which the host logs under `Host.Function.Console`, a category that host.json lets
   * through. `context.log` is no way: the record is complete only when the body has been sent, and the library complains
   * about it after the handler has returned.
   */
  readonly log: (line: string) => void;
  /** Takes the record when it is complete, for metrics and spans. */
  readonly observe?: Observe | undefined;
}

/** Starts the record of a request. Never holds a body, a key or a token. */
export function startRecord(
  exchange: Exchange,
  { clock, regions, tellCaller, log, observe }: RecorderOptions,
  trace?: TraceContext,
): Recorder {
  const { id, startedAt, response, gone } = exchange;
  const record: RequestRecord = {
    event: 'bedrock.request',
    time: new Date().toISOString(),
    requestId: id,
    region: regions[0] ?? '',
  };
  const elapsed = () => Math.round(10 * (clock.now() - startedAt)) / 10;

  const attempts: Attempt[] = [];
  const attemptOf = new WeakMap<UpstreamAnswer, Attempt>();
  let answered: Attempt | undefined;
  let operation: Operation | undefined;
  let lastByteMs: number | undefined;
  let meter: UsageMeter | undefined;

  /** Whom the proxy waits for: a caller that has yet to take what was written, or all of the answer; else Bedrock. */
  const awaited = (): ErrorSource => {
    if (response.writableNeedDrain || response.writableEnded) return 'client';
    return record.attempts === undefined ? 'proxy' : 'bedrock';
  };

  /** Bedrock has answered, though nobody sees its answer, and has used nothing. */
  const refusedBy = ({ code, requestId }: SignatureRefused) => {
    record.errorType = code;
    record.headersMs = attempts.at(-1)?.headersMs ?? elapsed();
    if (requestId !== undefined) record.bedrockRequestId = requestId;
  };

  const toldBudgets = ({ exceeded, told }: Admission) => {
    if (exceeded !== undefined) record.budgetExceeded = exceeded;
    if (told.length > 0) record.budgets = told;
  };

  whenClosed(response, () => {
    if (response.headersSent) record.status = response.statusCode;
    record.outcome ??= gone.aborted ? 'clientClosed' : 'complete';
    if (meter !== undefined) addAnswer(record, meter.end(record.outcome === 'complete'), meter.facts);
    record.durationMs = elapsed();
    conclude(record, operation, lastByteMs);
    log(JSON.stringify(record));
    observe?.({
      record,
      startedAt: Date.now() - (clock.now() - startedAt),
      attempts,
      ...(answered === undefined ? {} : { answered }),
      ...(operation === undefined ? {} : { operation }),
      ...(lastByteMs === undefined ? {} : { lastByteMs }),
      ...(trace === undefined ? {} : { trace }),
    });
  });

  return {
    caller(caller) {
      const { allowedModels: _models, roleArn: _role, ...identity } = tellCaller(caller);
      Object.assign(record, identity);
    },
    route({ operation: found, modelId, resolvedModelId }) {
      operation = found;
      record.operation = found.name;
      record.operationGroup = found.group;
      if (modelId !== undefined) record.modelId = modelId;
      if (resolvedModelId !== undefined) record.resolvedModelId = resolvedModelId;
    },
    model({ asked, used }) {
      if (isModelId(asked)) record.modelId = asked;
      if (used !== asked) record.resolvedModelId = used;
    },
    body(bytes) {
      record.requestBytes = bytes;
    },
    attempt({ accountId, roleSessionName }, { region, origin }) {
      if (accountId !== undefined) record.accountId = accountId;
      if (roleSessionName !== undefined) record.roleSessionName = roleSessionName;
      attempts.push({ method: operation?.method ?? 'POST', region, origin, startedMs: elapsed() });
      record.attempts = attempts.length;
      record.region = region;
      const tried = new Set(attempts.map((attempt) => attempt.region));
      if (tried.size > 1) record.regionsTried = [...tried].join(',');
    },
    answered(answer) {
      const { status, headers } = answer;
      const attempt = attempts.at(-1);
      if (attempt === undefined) return;
      attemptOf.set(answer, attempt);
      attempt.headersMs = elapsed();
      attempt.status = status;
      const requestId = headers['x-amzn-requestid'];
      if (requestId !== undefined) attempt.requestId = String(requestId);
    },
    credentialsRefreshed() {
      record.credentialsRefreshed = true;
    },
    upstreamHeaders(answer, itsMeter) {
      const { headers } = answer;
      meter = itsMeter;
      answered = attemptOf.get(answer);
      if (answered !== undefined) record.region = answered.region;
      record.headersMs = answered?.headersMs ?? elapsed();
      const requestId = headers['x-amzn-requestid'];
      if (requestId !== undefined) record.bedrockRequestId = String(requestId);
      record.streamed = formatOf(headers) !== undefined;
      if (isErrorAnswer(answer)) record.errorSource = 'bedrock';
    },
    budgets: toldBudgets,
    cost(cost) {
      record.estimatedCost = cost;
    },
    sent(pieces) {
      lastByteMs = elapsed();
      record.firstByteMs ??= lastByteMs;
      for (const { length } of pieces) record.responseBytes = (record.responseBytes ?? 0) + length;
    },
    firstToken() {
      record.firstTokenMs ??= elapsed();
    },
    failed(error) {
      if (error instanceof CallerGone) {
        record.outcome = 'clientClosed';
        return;
      }
      const { failure, errorType, message, cause } = toProxyError(error);
      record.errorType = errorType;
      if (cause instanceof SignatureRefused) refusedBy(cause);
      if (error instanceof BudgetExceeded) toldBudgets(error.admission);
      [record.outcome, record.errorSource] = outcomeOf(failure, awaited());
      if (failure === 'unauthorized' && cause instanceof Error) record.tokenFault = cause.message;
      if (!EXPLAINED.has(failure)) return;
      const described = cause === undefined ? undefined : describeError(cause);
      log(eventLine('bedrock.failure', { requestId: id, message, cause: described }));
    },
  };
}
