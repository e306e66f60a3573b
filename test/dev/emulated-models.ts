import { sendAnswer } from '../emulators/bedrock/answer.ts';
import { defaultAnswer } from '../emulators/bedrock/answers.ts';
import { cutAt, exceptionFrame, fail, stall } from '../emulators/bedrock/faults.ts';
import type { ReceivedRequest, Responder } from '../emulators/bedrock/received-request.ts';
import { pause } from '../emulators/bedrock/wire.ts';

/** A model id that chooses what goes wrong; the answer is otherwise that of any id. */
export interface EmulatedModel {
  readonly modelId: string;
  /** What a client meets, in a few words. */
  readonly meets: string;
  readonly responder: Responder;
}

const SLOW_MS = 1000;

const BROKE_OFF = exceptionFrame('modelStreamErrorException', 'The model broke off.');
const FAILED = fail(424, 'ModelErrorException', 'The request failed due to an error while processing the model.');

/** How long the proxy waits for Bedrock's headers here; in Azure, 220 seconds. */
export const LATE_SECONDS = 10;

export const EMULATED_MODELS: readonly EmulatedModel[] = [
  {
    modelId: 'emulated.throttled',
    meets: '429 ThrottlingException, which SDKs repeat',
    responder: fail(429, 'ThrottlingException', 'Too many tokens, please wait before trying again.'),
  },
  {
    modelId: 'emulated.server-error',
    meets: '500 InternalServerException, which SDKs repeat',
    responder: fail(500, 'InternalServerException', 'The system encountered an unexpected error.'),
  },
  {
    modelId: 'emulated.unavailable',
    meets: '503 ServiceUnavailableException, which SDKs repeat',
    responder: fail(503, 'ServiceUnavailableException', 'Bedrock is unable to process your request.'),
  },
  {
    modelId: 'emulated.denied',
    meets: '403 AccessDeniedException: no access to the model',
    responder: fail(403, 'AccessDeniedException', "You don't have access to the model with the specified model ID."),
  },
  {
    modelId: 'emulated.invalid',
    meets: '400 ValidationException',
    responder: fail(400, 'ValidationException', 'Malformed input request, please reformat your input and try again.'),
  },
  {
    modelId: 'emulated.cut',
    meets: 'a connection to Bedrock that breaks in the middle of the answer',
    responder: (request, response) => cutAt(halfOf(request))(request, response),
  },
  {
    modelId: 'emulated.stream-error',
    meets: "Bedrock's ModelStreamErrorException in mid-stream; 424 without a stream",
    responder: (request, response) => (request.operation.endsWith('Stream') ? BROKE_OFF : FAILED)(request, response),
  },
  {
    modelId: 'emulated.slow',
    meets: 'an event a second',
    async responder(request, response) {
      await pause(response, SLOW_MS);
      await sendAnswer(response, defaultAnswer(request), { eventDelayMs: SLOW_MS });
    },
  },
  {
    modelId: 'emulated.late',
    meets: `no answer for ${LATE_SECONDS} seconds, then 408 ModelTimeoutException`,
    responder: stall('beforeHeaders'),
  },
];

/** The fault that a request asks for, also behind a provider's name, as some clients want one: `anthropic.emulated.cut`. */
export function faultFor({ modelId = '' }: ReceivedRequest): Responder | undefined {
  return EMULATED_MODELS.find((model) => modelId === model.modelId || modelId.endsWith(`.${model.modelId}`))?.responder;
}

function halfOf(request: ReceivedRequest): number {
  return Math.floor(Buffer.concat(defaultAnswer(request).parts).length / 2);
}
