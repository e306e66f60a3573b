import { type Answer, describe, errorTypeOf, isSignatureRefused, makerOf } from '../answer.ts';
import type { Check } from '../check.ts';
import { failed, ok } from '../finding.ts';
import { explain, isNoAnswer } from '../explain.ts';
import { modelArn } from '../model.ts';

/** No model hears of it: Bedrock refuses the body, after it has verified the signature of the path. */
export const REFUSED_BODY = { messages: 0 };

export const modelIds: Check = {
  id: '17',
  title: 'Model ids and ARNs arrive at Bedrock as they were sent',
  layer: 'way to Bedrock',
  needs: ['13'],
  async run({ endpoint, modelId, azure }) {
    const plain = modelId.startsWith('arn:') ? 'amazon.nova-lite-v1:0' : modelId;
    const arn = modelArn(modelId, azure.environment?.['BEDROCK_REGION']);
    const forms = [
      { what: 'plain', segment: plain, id: plain },
      { what: 'with %3A', segment: encodeURIComponent(plain), id: plain },
      { what: 'ARN', segment: encodeURIComponent(arn), id: arn },
    ];
    const found: string[] = [];
    for (const { what, segment, id } of forms) {
      const path = `/model/${segment}/converse`;
      const answer = await endpoint.ask({ path, modelId: id, body: REFUSED_BODY, headers: endpoint.key });
      if (isNoAnswer(answer)) return explain(answer, modelId, what);
      if (!isVerdictOfBedrock(answer)) return notUnderstood(answer, what, modelId, found.length > 0);
      found.push(`${what} ${answer.status} ${errorTypeOf(answer)}`);
    }
    return ok(`Bedrock's own refusals of an empty request: ${found.join(', ')}`);
  },
};

/** Bedrock has verified the signature, and judges what was asked: no matter how. */
function isVerdictOfBedrock(answer: Answer): boolean {
  return makerOf(answer) === 'Bedrock' && answer.status >= 400 && answer.status < 500 && answer.status !== 429;
}

/** @param isKeyTaken whether Bedrock has just verified a signature of another path, by the same key */
function notUnderstood(answer: Answer, what: string, modelId: string, isKeyTaken: boolean) {
  if (isKeyTaken && isSignatureRefused(answer)) {
    return failed(
      `${what}: ${describe(answer)} (It has just accepted the signature of another path.)`,
      'Something between the function and Bedrock changes the encoding of paths, by which their signature no longer ' +
        'fits: look at proxies and firewalls behind the app.',
    );
  }
  const maker = makerOf(answer);
  if (maker === 'Bedrock' && answer.status === 200) {
    return failed(
      `${what}: Bedrock has answered 200 to a request without messages`,
      'What Bedrock got is not what was sent: something on the way changes bodies.',
    );
  }
  const isPath = maker !== 'Bedrock' && (answer.status === 404 || answer.status === 400);
  if (!isPath) return explain(answer, modelId, what);
  return failed(
    `${what}: ${describe(answer)}`,
    'Something between changes the encoding of paths (decodes %2F or %3A and cuts there): look at rewrite-uri in the ' +
      'policies, and at proxies before and behind the gateway.',
  );
}
