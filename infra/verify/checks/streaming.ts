import { type Answer, makerOf, milliseconds } from '../answer.ts';
import type { Check } from '../check.ts';
import { failed, type Finding, ok } from '../finding.ts';
import { readStream } from '../event-stream.ts';
import { explain, isNoAnswer } from '../explain.ts';
import { modelQuestion } from '../model.ts';
import type { NoAnswer } from '../no-answer.ts';
import type { Endpoint, Question } from '../endpoint.ts';

/** Pieces that a stream has to arrive in. What collects it makes one of it, or one for each 8 KB. */
const LEAST_MOMENTS = 5;

/** What comes closer together than this is one piece, cut by the network. */
const ONE_MOMENT_MS = 5;

/** A question for a short stream. */
export function streamQuestion(endpoint: Endpoint, modelId: string): Question {
  return {
    ...modelQuestion(modelId, 'converse-stream'),
    headers: endpoint.key,
    body: {
      messages: [{ role: 'user', content: [{ text: 'Count from one to thirty, in words.' }] }],
      inferenceConfig: { maxTokens: 60 },
    },
  };
}

export const streaming: Check = {
  id: '19',
  title: 'An answer streams',
  layer: 'Bedrock',
  needs: ['18'],
  calls: 'streams',
  async run({ endpoint, modelId }) {
    const answer = await endpoint.ask(streamQuestion(endpoint, modelId));
    return judgeStream(answer, modelId);
  },
};

/** Whether a stream was whole, unchanged, and came in pieces. */
export function judgeStream(answer: Answer | NoAnswer, modelId: string): Finding {
  if (isNoAnswer(answer)) return explain(answer, modelId);
  const reading = readStream(answer.body);
  if (answer.status !== 200 || makerOf(answer) !== 'Bedrock') return explain(answer, modelId);
  const type = answer.headers['content-type'] ?? 'missing';
  if (type !== 'application/vnd.amazon.eventstream') {
    return failed(
      `200, but content-type ${type}`,
      'A policy of the gateway changes answers (set-header Content-Type, json-to-xml): take it away.',
    );
  }
  if (reading.exception !== undefined) {
    return failed(
      `the stream ended with ${reading.exception}`,
      'Run it again; if it stays so, name another model: --model. Query 2 of infra/TROUBLE.md shows this call.',
    );
  }
  const broken = answer.complete ? reading.damage : 'a connection that broke off';
  if (broken !== undefined || !reading.ended) {
    return failed(
      `the stream is not whole: ${broken ?? 'no messageStop'}, after ${reading.events} events`,
      'Something on the way cuts or changes streams: a deployment at this moment, a timeout, or a policy that reads bodies.',
    );
  }
  const moments = momentsOf(answer.piecesMs);
  const [first = 0, last = 0] = [moments[0], moments.at(-1)];
  const share = Math.round((100 * (last - first)) / Math.max(last, 1));
  const measured =
    `${reading.events} events in ${moments.length === 1 ? 'one piece' : `${moments.length} pieces`}, ` +
    `first after ${milliseconds(first)}, last after ${milliseconds(last)} (${share} % of the time)`;
  if (moments.length >= LEAST_MOMENTS) return ok(measured);
  return failed(
    measured,
    'Something collects answers: an inherited policy that reads bodies or forwards buffered (product, All APIs), body ' +
      'logging at All APIs, the tier Consumption, or a proxy before the gateway. Take it away for this API.',
  );
}

/** Times at which something came that did not come together with what was before it. */
function momentsOf(piecesMs: readonly number[]): number[] {
  const moments: number[] = [];
  for (const ms of piecesMs) if (ms - (moments.at(-1) ?? Number.NEGATIVE_INFINITY) >= ONE_MOMENT_MS) moments.push(ms);
  return moments;
}
