/** Attributes by name, values as they are in JavaScript. */
export type Attributes = Readonly<Record<string, unknown>>;

/** Who sent it. */
export interface Origin {
  readonly resource: Attributes;
  readonly scope: string;
  readonly scopeVersion: string;
  readonly schemaUrl: string;
}

export interface ReceivedMetric extends Origin {
  readonly name: string;
  readonly unit: string;
  readonly kind: 'sum' | 'histogram';
  readonly temporality: 'delta' | 'cumulative';
  /** Of a sum: whether it only grows. */
  readonly monotonic: boolean;
  readonly points: readonly ReceivedPoint[];
}

export interface ReceivedPoint {
  readonly attributes: Attributes;
  /** The sum of a histogram, too. */
  readonly value: number;
  /** Nanoseconds since the epoch. */
  readonly startTime: bigint;
  readonly time: bigint;
  /** Of a histogram. */
  readonly distribution?: {
    readonly count: number;
    readonly min: number;
    readonly max: number;
    readonly bounds: readonly number[];
    readonly buckets: readonly number[];
  };
}

export interface ReceivedSpan extends Origin {
  readonly traceId: string;
  readonly spanId: string;
  /** Empty for the first span of a trace. */
  readonly parentSpanId: string;
  readonly traceState: string;
  readonly name: string;
  readonly kind: 'internal' | 'server' | 'client';
  readonly attributes: Attributes;
  readonly error: boolean;
  readonly statusMessage: string;
  /** Nanoseconds since the epoch. */
  readonly start: bigint;
  readonly end: bigint;
}

type Json = Readonly<Record<string, unknown>>;

/** The metrics in an `ExportMetricsServiceRequest`, in the JSON mapping. */
export function readMetrics(request: Json): ReceivedMetric[] {
  return list(request['resourceMetrics']).flatMap((ofResource) =>
    list(ofResource['scopeMetrics']).flatMap((ofScope) => {
      const origin = originOf(ofResource, ofScope);
      return list(ofScope['metrics']).map((metric) => readMetric(metric, origin));
    }),
  );
}

/** The spans in an `ExportTraceServiceRequest`, in the JSON mapping. */
export function readSpans(request: Json): ReceivedSpan[] {
  return list(request['resourceSpans']).flatMap((ofResource) =>
    list(ofResource['scopeSpans']).flatMap((ofScope) => {
      const origin = originOf(ofResource, ofScope);
      return list(ofScope['spans']).map((span) => readSpan(span, origin));
    }),
  );
}

function originOf(ofResource: Json, ofScope: Json): Origin {
  const scope = object(ofScope['scope']);
  return {
    resource: attributesOf(object(ofResource['resource'])),
    scope: text(scope['name']),
    scopeVersion: text(scope['version']),
    schemaUrl: text(ofScope['schemaUrl']),
  };
}

const TEMPORALITIES = [undefined, 'delta', 'cumulative'] as const;

function readMetric(metric: Json, origin: Origin): ReceivedMetric {
  const kind = 'sum' in metric ? 'sum' : 'histogram' in metric ? 'histogram' : fail('a metric of another kind');
  const data = object(metric[kind]);
  return {
    ...origin,
    name: text(metric['name']),
    unit: text(metric['unit']),
    kind,
    temporality: TEMPORALITIES[Number(data['aggregationTemporality'])] ?? fail('a metric without temporality'),
    monotonic: data['isMonotonic'] === true,
    points: list(data['dataPoints']).map(kind === 'sum' ? readNumber : readHistogram),
  };
}

function readNumber(point: Json): ReceivedPoint {
  return { ...timesOf(point), attributes: attributesOf(point), value: Number(point['asDouble'] ?? point['asInt']) };
}

function readHistogram(point: Json): ReceivedPoint {
  return {
    ...timesOf(point),
    attributes: attributesOf(point),
    value: Number(point['sum']),
    distribution: {
      count: Number(point['count']),
      min: Number(point['min']),
      max: Number(point['max']),
      bounds: (point['explicitBounds'] as unknown[]).map(Number),
      buckets: (point['bucketCounts'] as unknown[]).map(Number),
    },
  };
}

function timesOf(point: Json): { startTime: bigint; time: bigint } {
  return { startTime: nanoseconds(point['startTimeUnixNano']), time: nanoseconds(point['timeUnixNano']) };
}

const KINDS = [undefined, 'internal', 'server', 'client'] as const;

/** `STATUS_CODE_ERROR`. */
const ERROR = 2;

function readSpan(span: Json, origin: Origin): ReceivedSpan {
  const status = object(span['status']);
  return {
    ...origin,
    traceId: text(span['traceId']),
    spanId: text(span['spanId']),
    parentSpanId: text(span['parentSpanId']),
    traceState: text(span['traceState']),
    name: text(span['name']),
    kind: KINDS[Number(span['kind'])] ?? fail('a span of another kind'),
    attributes: attributesOf(span),
    error: status['code'] === ERROR,
    statusMessage: text(status['message']),
    start: nanoseconds(span['startTimeUnixNano']),
    end: nanoseconds(span['endTimeUnixNano']),
  };
}

function attributesOf(owner: Json): Attributes {
  return Object.fromEntries(list(owner['attributes']).map(({ key, value }) => [text(key), valueOf(object(value))]));
}

function valueOf(value: Json): unknown {
  const [[kind, content] = fail('an attribute without a value')] = Object.entries(value);
  if (kind === 'intValue') return Number(content);
  if (kind === 'arrayValue') return list(object(content)['values']).map(valueOf);
  return content;
}

/** 64-bit integers are text in the JSON mapping. */
function nanoseconds(value: unknown): bigint {
  return typeof value === 'string' ? BigInt(value) : fail('a time of another form');
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

function object(value: unknown): Json {
  return typeof value === 'object' && value !== null ? { ...value } : {};
}

function list(value: unknown): Json[] {
  return Array.isArray(value) ? value : [];
}

function fail(what: string): never {
  throw new Error(`The collector received ${what}.`);
}
