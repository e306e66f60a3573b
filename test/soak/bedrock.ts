import { answerOrError, type AnswerSource, sendAnswer } from '../emulators/bedrock/answer.ts';
import type { BedrockEmulator } from '../emulators/bedrock/bedrock.ts';
import { SERVICES } from '../emulators/bedrock/services.ts';
import type { Audit } from './audit.ts';
import { FAULT_HEADER, FAULTS } from './faults.ts';

/** The header that tells Bedrock's side which call this is. */
export const CALL_HEADER = 'x-amzn-bedrock-call';

/**
 * Makes a service do what the header of a request asks for, and tell what it does.
 *
 * @param isFirst whether it is in the first region
 */
export function injectFaults(bedrock: BedrockEmulator, isFirst: boolean, audit: Pick<Audit, 'asked'>): void {
  const { region, service } = bedrock;
  const source: AnswerSource = (request) => answerOrError(SERVICES[service].answer, request);
  const faults = new Map(
    FAULTS.filter(({ inOneRegion }) => isFirst || inOneRegion !== true).map((fault) => [fault.name, fault]),
  );
  bedrock.answer(
    (request, response) => {
      const fault = faults.get(request.headers[FAULT_HEADER] ?? '');
      const answer = source(request);
      audit.asked(Number(request.headers[CALL_HEADER]), {
        requestId: String(response.getHeader('x-amzn-requestid')),
        region,
        modelId: request.modelId,
        tokens: answer.tokens,
        isPaid: fault?.refuses !== true,
      });
      const respond = fault?.bedrock?.(() => answer);
      return respond === undefined ? sendAnswer(response, answer) : respond(request, response);
    },
    { times: Number.POSITIVE_INFINITY },
  );
}
