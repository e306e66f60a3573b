import { isSignatureRefused, makerOf, milliseconds } from '../answer.ts';
import type { Check, Context } from '../check.ts';
import { failed, ok } from '../finding.ts';
import { explain, isNoAnswer } from '../explain.ts';
import { modelQuestion } from '../model.ts';
import { REFUSED_BODY } from './model-ids.ts';

export const health: Check = {
  id: '13',
  title: 'The function answers, with settings and AWS keys',
  layer: 'function',
  needs: ['11', '12'],
  async run(context) {
    const { endpoint } = context;
    const question = { path: '/health', headers: endpoint.key };
    let answer = await endpoint.ask(question);
    let since = '';
    if (!isNoAnswer(answer) && isSignatureRefused(answer)) {
      // It remembers AWS's last refusal until a call has passed: the refusal may be of yesterday.
      await passCall(context);
      answer = await endpoint.ask(question);
      since = ', after AWS has taken its signature again';
    }
    if (isNoAnswer(answer) || answer.status !== 200) return explain(answer);
    if (makerOf(answer) !== 'function') {
      return failed(
        `200 without x-ms-invocation-id, ${milliseconds(answer.headersMs)}`,
        "Something before the function answers in its place: a cache or a mock of the gateway's policies.",
      );
    }
    return ok(`200 of the function in ${milliseconds(answer.headersMs)}${since}`);
  },
};

/** A call that costs nothing. */
async function passCall({ endpoint, modelId }: Context): Promise<void> {
  await endpoint.ask({ ...modelQuestion(modelId, 'converse'), body: REFUSED_BODY, headers: endpoint.key });
}
