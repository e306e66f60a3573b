import type { OutgoingHttpHeaders } from 'node:http';

import { member } from '../../../src/json/member.ts';
import { type Answer, describe, json, makerOf } from '../answer.ts';
import type { Check } from '../check.ts';
import { failed, type Finding, ok, warning } from '../finding.ts';
import type { Endpoint, Question } from '../endpoint.ts';
import { explain, isNoAnswer } from '../explain.ts';

interface Refusal {
  readonly what: string;
  readonly question: Question;
  readonly status: number;
}

/** Above the largest limit that the template takes: whatever this deployment's is. */
const TOO_LONG = 104_857_601;

/** Nobody but the gateway has to answer. */
const REFUSED_WITHIN_MS = 15_000;

/** In this order: only a policy that refuses the first three is sent the last, by which a host without one would hang. */
const REFUSALS: readonly Refusal[] = [
  { what: 'a dot segment', question: { path: '/model/..%2f..%2fadmin', body: {} }, status: 404 },
  { what: '/runtime', question: { path: '/runtime/webhooks', body: {} }, status: 404 },
  { what: 'an unknown path', question: { path: '/verify/nothing-is-here', body: {} }, status: 404 },
  {
    what: 'a body of 100 MiB',
    question: {
      method: 'POST',
      path: '/model/verify.none/converse',
      headers: { 'content-type': 'application/json', 'content-length': TOO_LONG },
      headOnly: true,
    },
    status: 413,
  },
  {
    what: 'a header that is not ASCII',
    question: { path: '/model/verify.none/converse', body: {}, headers: { 'x-verify': 'caf\u00e9' } },
    status: 400,
  },
];

/** What a client must not be able to say: who it is, and what was ordered for it. */
const FORGED: OutgoingHttpHeaders = {
  'x-gateway-subscription-id': 'forged-by-verify',
  'x-gateway-product-id': 'forged-by-verify',
  'x-gateway-budgets': 'forged-by-verify',
};

const STALE =
  'The policy that is in effect is not that of infra/gateway/policies/bedrock.xml, or another one goes before it. Run ' +
  '`azd provision`, then compare the policies in the portal.';

const LENGTH_UNTOLD =
  'Something waits for the body, or its length is not refused: send more than MAX_REQUEST_BYTES, which must get 413.';

export const refusals: Check = {
  id: '16',
  title: 'What must not pass is refused, before the function',
  layer: 'way to Bedrock',
  needs: ['10', '13'],
  async run({ endpoint }) {
    const forged = await forgery(endpoint);
    if (forged.status !== 'ok') return forged;
    const answers: string[] = [];
    let untold: Finding | undefined;
    for (const { what, question, status } of REFUSALS) {
      const headers = { ...question.headers, ...endpoint.key };
      const answer = await endpoint.ask({ ...question, headers, timeoutMs: REFUSED_WITHIN_MS });
      if (isNoAnswer(answer)) {
        if (answer.none !== 'time') return explain(answer, '', what);
        // What the gateway does not refuse at once, the host may never answer.
        if (question.headOnly === undefined) return failed(`${what}: ${answer.evidence}`, STALE);
        untold = warning(`${what}: ${answer.evidence}`, LENGTH_UNTOLD);
        continue;
      }
      const isRefused = answer.status === status || answer.status === 400;
      const maker = makerOf(answer);
      if (isRefused && maker === 'platform' && !isOfApiManagement(answer)) {
        untold = warning(`${what}: ${describe(answer)}; something else than the policy has refused it`, STALE);
      } else if (!isRefused || (maker !== 'gateway' && maker !== 'platform')) {
        return failed(`${what}: ${describe(answer)}, instead of ${status} of the gateway`, STALE);
      }
      answers.push(`${what} ${answer.status}`);
    }
    const crossOrigin = await preflight(endpoint);
    if (crossOrigin !== undefined) return crossOrigin;
    if (untold !== undefined) return untold;
    return ok(`${forged.evidence}; ${answers.join(', ')}`);
  },
};

/** API Management's own form of an error, where a path leads out of the API and to no policy of it. */
function isOfApiManagement(answer: Answer): boolean {
  return member(json(answer), 'statusCode') === answer.status;
}

async function forgery(endpoint: Endpoint): Promise<Finding> {
  const path = '/usage';
  const honest = await endpoint.ask({ path, headers: endpoint.key });
  if (isNoAnswer(honest) || honest.status !== 200) return explain(honest, '', 'GET /usage');
  const answer = await endpoint.ask({ path, headers: { ...FORGED, ...endpoint.key } });
  if (isNoAnswer(answer)) return explain(answer, '', 'forged headers');
  const [real, found] = [callerIn(honest), callerIn(answer)];
  if (answer.status !== 200 || found !== real) {
    const went = answer.status === 200 ? `the function takes the caller for ${found}` : describe(answer);
    return failed(`forged x-gateway-* headers pass: ${went}`, STALE);
  }
  return ok(`forged x-gateway-* headers are deleted (caller ${real})`);
}

function callerIn(answer: Answer): string {
  const { subscriptionId, productId } = (json(answer) ?? {}) as { subscriptionId?: unknown; productId?: unknown };
  return [subscriptionId, productId]
    .map((each) => (typeof each === 'string' ? each.split('/').at(-1) : 'none'))
    .join(' of product ');
}

/** With a key that a page of any origin may send, whoever opens that page pays. */
async function preflight(endpoint: Endpoint): Promise<Finding | undefined> {
  const answer = await endpoint.ask({
    method: 'OPTIONS',
    path: '/model/verify.none/converse',
    headers: {
      origin: 'https://verify.invalid',
      'access-control-request-method': 'POST',
      'access-control-request-headers': 'api-key,content-type',
    },
  });
  if (isNoAnswer(answer)) return explain(answer, '', 'a preflight');
  const allowed = answer.headers['access-control-allow-origin'];
  if (allowed === undefined) return undefined;
  return warning(
    `CORS: pages of any origin may call (access-control-allow-origin ${allowed})`,
    'Name the origins in the statement cors of the policies, instead of *.',
  );
}
