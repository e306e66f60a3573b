import { expect, it } from 'vitest';

import { createAnswerBody } from '../../../src/aws/answer-body.ts';
import { createAwsTime } from '../../../src/aws/time.ts';
import type { UpstreamAnswer } from '../../../src/aws/upstream.ts';
import { RUNTIME } from '../../../src/bedrock/runtime.ts';
import { systemClock } from '../../../src/clock.ts';
import { fixedCredentials } from '../../../src/credentials/provider.ts';
import { sendSomewhere } from '../../../src/proxy/regions.ts';

it('a date after which a region may be asked again is one of AWS’s clock', async () => {
  const [converse] = RUNTIME.operations;
  if (converse === undefined) throw new Error('no operation');
  const HOUR = 3_600_000;
  const awsTime = { ...createAwsTime(() => {}), now: () => HOUR };
  const body = createAnswerBody(() => {});
  const headers = { 'retry-after': new Date(HOUR + 7000).toUTCString() };
  const answer: UpstreamAnswer = { status: 429, headers, read: body.read, body, abort: () => {} };
  const rests: unknown[] = [];
  await sendSomewhere(
    {
      route: { service: RUNTIME, operation: converse, path: '/' },
      model: undefined,
      order: {},
      outgoing: {
        method: 'POST',
        path: '/',
        query: '',
        headers: {},
        unsigned: {},
        caller: {},
        body: {
          sha256: '',
          chunks: [],
          length: 0,
          received: 0,
          readWhole: (look) => look(Buffer.alloc(0)),
          release() {},
        },
      },
    },
    {
      targets: {
        of: (_service, region) => ({
          region,
          origin: '',
          sign: async () => ({}),
          upstream: { send: async () => answer, prepare: () => {}, close: async () => {} },
        }),
      },
      planRegions: () => ({
        order: ['eu-central-1'],
        finds: false,
        refused: (...told) => rests.push(told),
        notHere: () => {},
        unreachable: () => {},
        served: () => {},
      }),
      credentials: {
        ...fixedCredentials({ accessKeyId: '', secretAccessKey: '' }),
        probe: async () => ({ accessKeyId: '', secretAccessKey: '' }),
      },
      awsTime,
      clock: systemClock,
      health: { accepted: () => {}, refused: () => {}, reply: async () => ({ status: 200, headers: {} }) },
    },
    new AbortController().signal,
    { attempt: () => {}, answered: () => {}, credentialsRefreshed: () => {} },
  );
  expect(rests).toStrictEqual([['eu-central-1', 7000]]);
});
