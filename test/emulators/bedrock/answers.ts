import { plain, type Answer, type AnswerSource } from './answer.ts';
import { countMessageTokens, messages } from './answers-anthropic.ts';
import { getAsyncInvoke, listAsyncInvokes, startAsyncInvoke } from './answers-async-invoke.ts';
import { converse, converseStream } from './answers-converse.ts';
import { applyGuardrail, invokeGuardrailChecks } from './answers-guardrail.ts';
import { invokeModel, invokeModelWithResponseStream } from './answers-invoke.ts';
import { chatCompletions, responses } from './answers-openai.ts';
import { cancelResponse, deleteResponse, getResponse } from './answers-stored-responses.ts';
import { AwsError } from './aws-error.ts';
import { requireObject } from './json.ts';
import type { Operation } from './operations.ts';
import type { ReceivedRequest } from './received-request.ts';
import { countInput } from './tokens.ts';

const SOURCES: Readonly<Record<Operation, AnswerSource>> = {
  Converse: converse,
  ConverseStream: converseStream,
  InvokeModel: invokeModel,
  InvokeModelWithResponseStream: invokeModelWithResponseStream,
  CountTokens: countTokensAnswer,
  ApplyGuardrail: applyGuardrail,
  InvokeGuardrailChecks: invokeGuardrailChecks,
  StartAsyncInvoke: startAsyncInvoke,
  GetAsyncInvoke: getAsyncInvoke,
  ListAsyncInvokes: listAsyncInvokes,
  ChatCompletions: chatCompletions,
  Responses: responses,
  GetResponse: getResponse,
  DeleteResponse: deleteResponse,
  CancelResponse: cancelResponse,
  ListModels: () =>
    plain({
      object: 'list',
      data: [{ id: 'openai.gpt-oss-20b-1:0', object: 'model', created: 0, owned_by: 'openai' }],
    }),
  Messages: messages,
  CountMessageTokens: countMessageTokens,
};

/** The answer a healthy Bedrock gives. Throws AwsError for a body it would refuse. */
export function defaultAnswer(request: ReceivedRequest): Answer {
  if (!isOperation(request.operation)) {
    throw new AwsError(404, 'UnknownOperationException', `There is no operation ${request.operation}.`);
  }
  return SOURCES[request.operation](request);
}

function isOperation(name: string): name is Operation {
  return Object.hasOwn(SOURCES, name);
}

function countTokensAnswer(request: ReceivedRequest): Answer {
  requireObject(request.body);
  return plain({ inputTokens: countInput(request) });
}
