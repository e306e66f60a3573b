import type { Field, MessageType } from './protobuf.ts';

// The fields of opentelemetry-proto 1 (common, resource, metrics, trace) that a sender of metrics and traces uses.

const one = (name: string, type: Field['type']): Field => ({ name, type });
const many = (name: string, type: Field['type']): Field => ({ name, type, repeated: true });

const scalar: MessageType = {
  1: one('stringValue', 'string'),
  2: one('boolValue', 'bool'),
  3: one('intValue', 'int64'),
  4: one('doubleValue', 'double'),
};
const anyValue: MessageType = { ...scalar, 5: one('arrayValue', { 1: many('values', scalar) }) };
const keyValue: MessageType = { 1: one('key', 'string'), 2: one('value', anyValue) };
const resource: MessageType = { 1: many('attributes', keyValue), 2: one('droppedAttributesCount', 'enum') };
const scope: MessageType = {
  1: one('name', 'string'),
  2: one('version', 'string'),
  3: many('attributes', keyValue),
  4: one('droppedAttributesCount', 'enum'),
};

const numberDataPoint: MessageType = {
  2: one('startTimeUnixNano', 'fixed64'),
  3: one('timeUnixNano', 'fixed64'),
  4: one('asDouble', 'double'),
  6: one('asInt', 'fixed64'),
  7: many('attributes', keyValue),
  8: one('flags', 'enum'),
};
const histogramDataPoint: MessageType = {
  2: one('startTimeUnixNano', 'fixed64'),
  3: one('timeUnixNano', 'fixed64'),
  4: one('count', 'fixed64'),
  5: one('sum', 'double'),
  6: many('bucketCounts', 'fixed64'),
  7: many('explicitBounds', 'double'),
  9: many('attributes', keyValue),
  10: one('flags', 'enum'),
  11: one('min', 'double'),
  12: one('max', 'double'),
};
const metric: MessageType = {
  1: one('name', 'string'),
  2: one('description', 'string'),
  3: one('unit', 'string'),
  5: one('gauge', { 1: many('dataPoints', numberDataPoint) }),
  7: one('sum', {
    1: many('dataPoints', numberDataPoint),
    2: one('aggregationTemporality', 'enum'),
    3: one('isMonotonic', 'bool'),
  }),
  9: one('histogram', {
    1: many('dataPoints', histogramDataPoint),
    2: one('aggregationTemporality', 'enum'),
  }),
};

/** `ExportMetricsServiceRequest`. */
export const METRICS_REQUEST: MessageType = {
  1: many('resourceMetrics', {
    1: one('resource', resource),
    2: many('scopeMetrics', {
      1: one('scope', scope),
      2: many('metrics', metric),
      3: one('schemaUrl', 'string'),
    }),
    3: one('schemaUrl', 'string'),
  }),
};

const span: MessageType = {
  1: one('traceId', 'hex'),
  2: one('spanId', 'hex'),
  3: one('traceState', 'string'),
  4: one('parentSpanId', 'hex'),
  5: one('name', 'string'),
  6: one('kind', 'enum'),
  7: one('startTimeUnixNano', 'fixed64'),
  8: one('endTimeUnixNano', 'fixed64'),
  9: many('attributes', keyValue),
  10: one('droppedAttributesCount', 'enum'),
  12: one('droppedEventsCount', 'enum'),
  14: one('droppedLinksCount', 'enum'),
  15: one('status', { 2: one('message', 'string'), 3: one('code', 'enum') }),
  16: one('flags', 'fixed32'),
};

/** `ExportTraceServiceRequest`. */
export const TRACE_REQUEST: MessageType = {
  1: many('resourceSpans', {
    1: one('resource', resource),
    2: many('scopeSpans', {
      1: one('scope', scope),
      2: many('spans', span),
      3: one('schemaUrl', 'string'),
    }),
    3: one('schemaUrl', 'string'),
  }),
};
