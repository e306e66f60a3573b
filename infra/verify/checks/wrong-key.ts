import { member } from '../../../src/json/member.ts';
import { json } from '../answer.ts';
import type { Check } from '../check.ts';
import { failed } from '../finding.ts';
import { expectUnauthorized } from './no-key.ts';

/** Where the clients of these routes look for the text of an error. */
const DIALECTS = [
  { path: '/openai/v1/chat/completions', where: ['error', 'message'] },
  { path: '/anthropic/v1/messages', where: ['error', 'message'] },
] as const;

const WRONG = { 'api-key': 'not-a-key-of-this-gateway' };

export const wrongKey: Check = {
  id: '12',
  title: 'A wrong key is refused, in words that each client reads',
  layer: 'gateway',
  needs: ['11'],
  async run({ endpoint }) {
    const { answer: _, ...found } = await expectUnauthorized(endpoint, WRONG);
    if (found.status !== 'ok') return found;
    for (const { path, where } of DIALECTS) {
      const { answer, ...refused } = await expectUnauthorized(endpoint, WRONG, path);
      if (answer === undefined) return { ...refused, evidence: `${path}: ${refused.evidence}` };
      if (typeof member(json(answer), ...where) !== 'string') {
        return failed(
          `${path}: the answer has no ${where.join('.')}, which the clients of this route show`,
          'The policy of the API is older than this checkout: azd provision.',
        );
      }
    }
    return found;
  },
};
