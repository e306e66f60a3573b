import { milliseconds } from '../answer.ts';
import type { Check } from '../check.ts';
import { failed, ok } from '../finding.ts';
import { explain, isNoAnswer } from '../explain.ts';

export const bearer: Check = {
  id: '14',
  title: 'The key is taken as a bearer token, too',
  layer: 'function',
  needs: ['13'],
  async run({ endpoint, azure }) {
    const answer = await endpoint.ask({ path: '/health', headers: endpoint.bearer });
    if (isNoAnswer(answer)) return explain(answer);
    if (answer.status === 200) return ok(`200 in ${milliseconds(answer.headersMs)}`);
    if (answer.status !== 401) return explain(answer);
    const found = '401 as Authorization: Bearer, 200 as api-key';
    if (azure.environment?.['ACCEPT_BEARER_KEY'] === 'false') return ok(`${found}, as ACCEPT_BEARER_KEY=false has it`);
    return failed(
      found,
      'AWS_BEARER_TOKEN_BEDROCK and OpenAI clients need it, and it is not in effect: this instance ignores the ' +
        'property "bearer" of the API, or ACCEPT_BEARER_KEY was false. Until then, send the header api-key.',
    );
  },
};
