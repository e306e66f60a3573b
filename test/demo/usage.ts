import { deepEqual, ok } from 'node:assert/strict';

import {
  type BedrockRuntimeClient,
  ConverseCommand,
  type ConverseCommandInput,
  ConverseStreamCommand,
} from '@aws-sdk/client-bedrock-runtime';

import { type GivenAnswer, sumOf } from '../emulators/bedrock/usage-ledger.ts';
import { type Chain, withApiKey } from '../emulators/chain.ts';
import { nextRecord, recordsOf, type RequestRecord } from '../support/records.ts';
import { gatewayClient, MODEL, question } from './client.ts';
import type { Page } from './page.ts';
import type { Step } from './steps.ts';
import { number, sum, USAGE_COLUMNS, usageRows } from './usage-table.ts';

const PROFILE = 'us.anthropic.claude-3-5-haiku-20241022-v1:0';
const LLAMA = 'us.meta.llama3-1-70b-instruct-v1:0';

/** Teams that call at the same time, each with its own subscription: how often, which model, streamed or not. */
const CALLS = [
  [
    { times: 4, model: PROFILE, streamed: true },
    { times: 6, model: MODEL, streamed: false },
  ],
  [
    { times: 5, model: LLAMA, streamed: true },
    { times: 3, model: PROFILE, streamed: true },
    { times: 4, model: PROFILE, streamed: false },
  ],
] as const;

const KINDS = ['inputTokens', 'outputTokens', 'cacheReadInputTokens', 'cacheWriteInputTokens'] as const;

/** Two teams call; then what all the calls of the demonstration have used, told by the function's records alone. */
export function usage(chain: Chain, page: Page): Step {
  return {
    title: 'Who has used how many tokens',
    async run(check) {
      const [first, second] = chain.gateway.subscriptions;
      ok(first !== undefined && second !== undefined);
      const [, idsOfSecond] = await Promise.all([callAll(chain, first.key, 0), callAll(chain, second.key, 1)]);
      const { answers } = chain.bedrock.usageGiven();
      const logged = answers.map(({ requestId }) =>
        nextRecord(chain.host, (record) => record['bedrockRequestId'] === requestId),
      );
      await Promise.all(logged);
      const records = recordsOf(chain.host);

      page.text(
        'Two teams have called at the same time, with streams and without. This is what the records of the function ' +
          'tell, one log line for each call since the start:',
      );
      page.table(USAGE_COLUMNS, usageRows(records));
      page.text('cache: input read from a cache and written to one. 1st token: the median of the streams.');

      for (const { id, name } of [first, second]) {
        const given = answers.filter(({ requestId }) => idsOfSecond.has(requestId) === (id === second.id));
        const counted = countedIn(records.filter((record) => record['subscriptionId'] === id));
        check(`${name}: ${total(given)} tokens, as many of each kind as Bedrock counted for it`, () =>
          deepEqual(counted, givenIn(given)),
        );
      }
      check('For each model too, the records and Bedrock agree', () => {
        const models = Map.groupBy(records.filter(isMetered), (record) => String(record['modelId']));
        const byModel = Map.groupBy(answers, ({ modelId }) => modelId);
        deepEqual(mapValues(models, countedIn), mapValues(byModel, givenIn));
      });
    },
  };
}

/** Makes all calls of a team at once; resolves with the ids that Bedrock gave to their answers. */
async function callAll(chain: Chain, key: string, team: 0 | 1): Promise<Set<string | undefined>> {
  const client = gatewayClient(chain, { requestHandler: withApiKey(key) });
  const calls = CALLS[team].flatMap(({ times, model, streamed }) =>
    Array.from({ length: times }, () => call(client, model, streamed)),
  );
  const ids = new Set(await Promise.all(calls));
  client.destroy();
  return ids;
}

/** A question behind a long text that is cached, as in a conversation. */
async function call(client: BedrockRuntimeClient, modelId: string, streamed: boolean): Promise<string | undefined> {
  const system = [{ text: 'You explain signatures. '.repeat(20) }, { cachePoint: { type: 'default' as const } }];
  const input: ConverseCommandInput = { ...question(modelId), ...(modelId === PROFILE && { system }) };
  if (!streamed) return (await client.send(new ConverseCommand(input))).$metadata.requestId;
  const { stream, $metadata } = await client.send(new ConverseStreamCommand(input));
  await Array.fromAsync(stream ?? []);
  return $metadata.requestId;
}

function isMetered(record: RequestRecord): boolean {
  return record['totalTokens'] !== undefined;
}

function countedIn(records: readonly RequestRecord[]): Record<string, number> {
  const metered = records.filter(isMetered);
  return {
    answers: metered.length,
    ...Object.fromEntries(KINDS.map((kind) => [kind, sum(metered.map((record) => record[kind]))])),
  };
}

function givenIn(given: readonly GivenAnswer[]): Record<string, number> {
  const sums = sumOf(given);
  return { answers: sums.answers, ...Object.fromEntries(KINDS.map((kind) => [kind, sums[kind]])) };
}

function total(given: readonly GivenAnswer[]): string {
  const sums = sumOf(given);
  return number(sum(KINDS.map((kind) => sums[kind])));
}

function mapValues<A, B>(map: ReadonlyMap<string, A>, convert: (value: A) => B): Record<string, B> {
  return Object.fromEntries(Array.from(map, ([key, value]) => [key, convert(value)]));
}
