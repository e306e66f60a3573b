import { type Answer, describe, errorTypeOf, makerOf, messageOf } from '../answer.ts';
import type { Check } from '../check.ts';
import { failed, type Finding, ok } from '../finding.ts';
import type { Endpoint } from '../endpoint.ts';
import { explain, isNoAnswer } from '../explain.ts';

const NOT_THIS_API =
  'The API at this path has not the policy of this checkout: end the URL with the path of the API, or run `azd provision`.';

/** A call that must be refused by the policy of the gateway, in the form that AWS SDKs understand. */
export async function expectUnauthorized(
  endpoint: Endpoint,
  headers: Record<string, string>,
  path = '/model/verify.none/converse',
): Promise<Finding & { readonly answer?: Answer }> {
  const question = { path, headers, body: { messages: [] } };
  const answer = await endpoint.ask(question);
  if (isNoAnswer(answer)) return explain(answer);
  const found = describe(answer);
  const maker = makerOf(answer);
  // Not refused for its key, but it has not passed either.
  if ((maker === 'platform' || maker === 'gateway') && answer.status > 401) return explain(answer);
  if (answer.status !== 401) {
    return failed(
      found,
      'The API lets calls pass without a valid key: set subscriptionRequired of the API, by `azd provision`.',
    );
  }
  if (maker !== 'gateway') return failed(found, NOT_THIS_API);
  if (errorTypeOf(answer) !== 'UnauthorizedException' || messageOf(answer) === '') return failed(found, NOT_THIS_API);
  if (answer.headers['x-should-retry'] !== 'false') {
    return failed(`${found}; no x-should-retry: false, so that some clients repeat it for minutes`, NOT_THIS_API);
  }
  if (!/^application\/json\b/.test(answer.headers['content-type'] ?? '')) {
    return failed(`${found}; content-type ${answer.headers['content-type'] ?? 'missing'}`, NOT_THIS_API);
  }
  return { ...ok(found), answer };
}

export const noKey: Check = {
  id: '11',
  title: 'A call without a key is refused',
  layer: 'gateway',
  needs: [],
  async run({ endpoint }) {
    const { answer: _, ...found } = await expectUnauthorized(endpoint, {});
    return found;
  },
};
