import { BedrockRuntimeClient, ConverseCommand, ConverseStreamCommand } from '@aws-sdk/client-bedrock-runtime';
import { afterEach, describe, expect, it } from 'vitest';

import { EVENT_STREAM, SERVER_SENT_EVENTS } from '../emulators/bedrock/answer.ts';
import { controlled } from '../emulators/bedrock/controlled.ts';
import { splitAt } from '../emulators/bedrock/faults.ts';
import { encodeEvent } from '../emulators/bedrock/frames.ts';
import { type Chain, type ChainOptions, startChain } from '../emulators/chain.ts';
import { ask as askOnce, begin } from '../support/chain-calls.ts';
import { manualClock } from '../support/manual-clock.ts';
import { patientFarewell } from '../support/patient-farewell.ts';
import { nextChunk } from '../support/raw-client.ts';
import { nextTelemetryLine, telemetryLines } from '../support/telemetry-lines.ts';
import { converse, converseStream, modelId } from '../support/models.ts';

const EVENT = encodeEvent('contentBlockDelta', { contentBlockIndex: 0, delta: { text: 'Hello' } });

/** Exports every tenth of a second, so that all of them meet the trouble. */
const OFTEN = { OTEL_METRIC_EXPORT_INTERVAL: '100', OTEL_BSP_SCHEDULE_DELAY: '100' };

const chains: Chain[] = [];
afterEach(async () => {
  for (const chain of chains.splice(0)) await chain.close();
});

async function start(options: ChainOptions): Promise<Chain> {
  const chain = await startChain({ ...patientFarewell(), ...options });
  chains.push(chain);
  return chain;
}

async function ask(chain: Chain, count: number): Promise<void> {
  const client = new BedrockRuntimeClient({ ...chain.clientConfig(), maxAttempts: 1 });
  await Promise.all(
    Array.from({ length: count }, async (_, index) => {
      if (index % 2 === 0) return client.send(new ConverseCommand({ modelId, messages: [] }));
      const { stream } = await client.send(new ConverseStreamCommand({ modelId, messages: [] }));
      return Array.fromAsync(stream ?? []);
    }),
  );
  client.destroy();
}

/** The worker has ended by itself, which takes its hooks less than five seconds. */
function expectOrderlyEnd(chain: Chain): void {
  expect(chain.host.logs.map(({ message }) => message)).toContain('Worker terminated.');
}

describe('no answer waits for the telemetry', () => {
  it('a collector that hangs: all calls are answered while it does, and the worker ends in time', async () => {
    // The worker counts its seconds here; the host does not, so that a slow machine does not end it before.
    const chain = await start({ telemetry: 'both', settings: OFTEN, nodeArguments: [], hostClock: manualClock() });
    chain.collector.hang(true);
    chain.insights.hang(true);
    const begun = Promise.all([chain.collector.nextRequest(), chain.insights.nextRequest()]);
    await ask(chain, 1);
    // From here on, exports are waiting.
    await begun;
    await ask(chain, 100);
    expect(chain.bedrock.usageGiven().byModel[modelId]?.answers).toBe(101);
    expect(chain.collector.bodies).toStrictEqual([]);
    await chain.host.stop();
    expectOrderlyEnd(chain);
  });

  it.each([
    ['refuses connections', (chain: Chain) => chain.collector.close()],
    ['resets connections', async (chain: Chain) => chain.collector.outage(true)],
    ['rejects everything', async (chain: Chain) => chain.collector.fail(400)],
  ])('a collector that %s: all calls are answered, and one line each tells of it', async (_name, breakDown) => {
    const chain = await start({ telemetry: 'otlp', settings: { ...OFTEN, OTEL_EXPORTER_OTLP_TIMEOUT: '500' } });
    await breakDown(chain);
    await ask(chain, 20);
    await nextTelemetryLine(chain.host);
    await ask(chain, 20);
    await chain.host.stop();
    expect(chain.bedrock.usageGiven().byModel[modelId]?.answers).toBe(40);
    const lines = telemetryLines(chain.host);
    expect(lines.map(({ signal }) => signal).toSorted()).toStrictEqual(
      [...new Set(lines.map(({ signal }) => signal))].toSorted(),
    );
    for (const line of lines)
      expect(line).toMatchObject({ destination: 'otlp', failures: 1, cause: expect.any(String) });
    expectOrderlyEnd(chain);
  });

  it('one destination that fails does not keep the other from getting everything', async () => {
    const chain = await start({ telemetry: 'both', settings: { ...OFTEN, OTEL_EXPORTER_OTLP_TIMEOUT: '500' } });
    chain.collector.outage(true);
    await ask(chain, 10);
    await chain.host.stop();
    const counted = chain.insights.metrics('bedrock.proxy.requests').reduce((sum, { value }) => sum + value, 0);
    expect(counted).toBe(10);
    expect(chain.insights.dependencies()).toHaveLength(20);
  });

  it('what a collector puts off is sent later, and sums lose nothing by an outage', async () => {
    const chain = await start({ telemetry: 'otlp', settings: { OTEL_BSP_SCHEDULE_DELAY: '100' } });
    chain.collector.fail(503, { times: 1, retryAfterSeconds: 1 });
    await ask(chain, 4);
    await chain.host.stop();
    expect(chain.collector.sum('bedrock.proxy.requests')).toBe(4);
    expect(chain.collector.spans).toHaveLength(8);
    expect(telemetryLines(chain.host)).toStrictEqual([]);
  });

  it('wrong settings of the telemetry are a line in the log, and the proxy works', async () => {
    const settings = {
      OTEL_EXPORTER_OTLP_ENDPOINT: 'https://user:secret-of-mine@otlp.example',
      OTEL_METRIC_EXPORT_INTERVAL: 'often',
    };
    const chain = await start({ settings });
    await ask(chain, 2);
    const [line, ...others] = telemetryLines(chain.host);
    expect(others).toStrictEqual([]);
    expect(line?.['message']).toMatch(/OTEL_EXPORTER_OTLP_ENDPOINT.*; OTEL_METRIC_EXPORT_INTERVAL/);
    expect(JSON.stringify(line)).not.toContain('secret-of-mine');
  });
});

describe('when the worker ends', () => {
  it('what was not exported yet is, with the answers that were under way', async () => {
    const chain = await start({ telemetry: 'both' });
    await ask(chain, 3);
    const stream = controlled();
    chain.bedrock.answer(stream.responder);
    const { response } = begin(chain, converseStream);
    await stream.send(EVENT);
    await nextChunk(await response);
    expect(chain.collector.bodies).toStrictEqual([]);
    const stopped = chain.host.stop();
    await stream.send(EVENT);
    await nextChunk(await response);
    await stream.end();
    expect(await nextChunk(await response)).toBeUndefined();
    await stopped;
    expectOrderlyEnd(chain);
    expect(chain.collector.sum('bedrock.proxy.requests', { 'bedrock.proxy.outcome': 'complete' })).toBe(4);
    expect(chain.collector.spans).toHaveLength(8);
    expect(chain.insights.metrics('bedrock.proxy.requests').reduce((sum, { value }) => sum + value, 0)).toBe(4);
    expect(chain.insights.dependencies()).toHaveLength(8);
  });

  it('and the host with it, all that was answered is exported', async () => {
    const chain = await start({ telemetry: 'both' });
    await ask(chain, 3);
    await chain.host.shutDown();
    expectOrderlyEnd(chain);
    expect(chain.collector.sum('bedrock.proxy.requests', { 'bedrock.proxy.outcome': 'complete' })).toBe(3);
    expect(chain.insights.metrics('bedrock.proxy.requests').reduce((sum, { value }) => sum + value, 0)).toBe(3);
  });

  it('nothing is sent when there was no call', async () => {
    const chain = await start({ telemetry: 'both' });
    await chain.host.stop();
    expect(chain.collector.requests).toStrictEqual([]);
    expect(chain.insights.requests).toStrictEqual([]);
  });
});

describe('with telemetry and without', () => {
  const json = Buffer.from(
    JSON.stringify({ usage: { inputTokens: 1, outputTokens: 2, totalTokens: 3 }, text: 'é'.repeat(9) }),
  );
  const frames = Buffer.concat([EVENT, EVENT, encodeEvent('metadata', { usage: { inputTokens: 1, outputTokens: 2 } })]);
  const events = Buffer.from('data: {"choices":[]}\n\ndata: [DONE]\n\n');
  const ANSWERS = [
    [converse, json, { 'content-type': 'application/json', 'x-amzn-bedrock-extra': 'kept' }],
    [converseStream, frames, EVENT_STREAM],
    ['/openai/v1/chat/completions', events, SERVER_SENT_EVENTS],
    ['/model/a%20b/converse', undefined, {}],
  ] as const;

  /** Status, headers and bytes of each answer, without what is new each time. */
  async function answersOf(chain: Chain) {
    const answers = [];
    for (const [path, bytes, headers] of ANSWERS) {
      if (bytes !== undefined) chain.bedrock.answer(splitAt(7, bytes, headers));
      const answer = await askOnce(chain, path);
      const own = new Set(['date', 'x-amzn-requestid', 'x-ms-invocation-id']);
      const pairs = Object.entries(answer.headers).filter(([name]) => !own.has(name));
      answers.push({ status: answer.status, headers: pairs, body: answer.body });
    }
    return answers;
  }

  it('answers are the same, byte for byte', async () => {
    const [off, on] = await Promise.all([
      start({}).then(answersOf),
      start({ telemetry: 'both', settings: OFTEN }).then(answersOf),
    ]);
    expect(on).toStrictEqual(off);
    expect(on.slice(0, 3).map(({ body }) => body)).toStrictEqual([json, frames, events]);
  });
});
