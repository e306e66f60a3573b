import { describe, expect, it } from 'vitest';

import { deferTelemetry } from '../../../src/telemetry/deferred.ts';
import { createFailureLog } from '../../../src/telemetry/failure-log.ts';
import type { FinishedRequest } from '../../../src/record/finished-request.ts';
import type { Telemetry } from '../../../src/telemetry/telemetry.ts';

function finished(requestId: string): FinishedRequest {
  const record = {
    event: 'bedrock.request',
    time: '2026-11-23T07:21:15.196Z',
    requestId,
    region: 'us-east-1',
  } as const;
  return { record, startedAt: 0, attempts: [] };
}

/** Telemetry that remembers what it was told. */
function remembering() {
  const seen: string[] = [];
  let flushes = 0;
  const telemetry: Telemetry = {
    observe: ({ record }) => void seen.push(record.requestId),
    flush: async () => {
      flushes += 1;
    },
  };
  return { telemetry, seen, flushes: () => flushes };
}

describe('telemetry that is loaded later', () => {
  it('is not loaded before the first request is over', async () => {
    let loads = 0;
    const { telemetry, seen, flushes } = remembering();
    const deferred = deferTelemetry(
      async () => {
        loads += 1;
        return telemetry;
      },
      () => {},
    );
    await deferred.flush();
    expect(loads).toBe(0);
    deferred.observe(finished('1'));
    deferred.observe(finished('2'));
    expect(seen).toStrictEqual([]);
    await deferred.flush();
    deferred.observe(finished('3'));
    expect({ loads, seen, flushes: flushes() }).toStrictEqual({ loads: 1, seen: ['1', '2', '3'], flushes: 1 });
  });

  it('does not keep more than a thousand requests waiting', async () => {
    const loading = Promise.withResolvers<Telemetry>();
    const { telemetry, seen } = remembering();
    const deferred = deferTelemetry(
      () => loading.promise,
      () => {},
    );
    for (let number = 0; number < 5000; number += 1) deferred.observe(finished(String(number)));
    loading.resolve(telemetry);
    await deferred.flush();
    expect(seen).toStrictEqual(Array.from({ length: 1000 }, (_, number) => String(number)));
  });

  it.each<[string, () => Promise<Telemetry>]>([
    ['cannot be loaded', () => Promise.reject(new Error('no such file'))],
    ['throws', async () => ({ observe: () => fail(), flush: async () => {} })],
    ['fails to flush', async () => ({ observe: () => {}, flush: async () => fail() })],
  ])('that %s is reported, and nobody else hears of it', async (_name, load) => {
    const failures: unknown[] = [];
    const deferred = deferTelemetry(load, (...failure) => failures.push(failure));
    deferred.observe(finished('1'));
    await deferred.flush();
    expect(failures).toStrictEqual([['exporters', 'setup', expect.any(Error)]]);
    expect(() => deferred.observe(finished('2'))).not.toThrow();
    await expect(deferred.flush()).resolves.toBeUndefined();
  });

  function fail(): never {
    throw new Error('A defect.');
  }
});

describe('the log of failed exports', () => {
  it('has one line for each destination and signal in ten minutes, with the number of failures', () => {
    const lines: unknown[] = [];
    let now = 0;
    const report = createFailureLog(
      (line) => lines.push(JSON.parse(line)),
      () => now,
    );
    const error = Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' });
    for (const second of [0, 60, 599, 600, 601, 1300]) {
      now = 1000 * second;
      report('otlp', 'metrics', error);
    }
    report('otlp', 'traces', error);
    report('applicationInsights', 'metrics', 'not even an error');
    const line = {
      event: 'bedrock.telemetry',
      destination: 'otlp',
      signal: 'metrics',
      cause: 'Error ECONNREFUSED: connect ECONNREFUSED',
    };
    expect(lines).toStrictEqual([
      { ...line, failures: 1 },
      { ...line, failures: 3 },
      { ...line, failures: 2 },
      { ...line, signal: 'traces', failures: 1 },
      { ...line, destination: 'applicationInsights', failures: 1, cause: 'string' },
    ]);
  });
});
