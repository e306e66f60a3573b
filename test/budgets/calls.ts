import { sendAnswer } from '../emulators/bedrock/answer.ts';
import { defaultAnswer } from '../emulators/bedrock/answers.ts';
import { exceptionFrame, fail } from '../emulators/bedrock/faults.ts';
import type { ReceivedRequest, Responder } from '../emulators/bedrock/received-request.ts';
import type { Tokens } from '../emulators/bedrock/tokens.ts';
import { writeHeaders, write } from '../emulators/bedrock/wire.ts';
import { pricedModel } from '../support/models.ts';
import type { ServerResponse } from 'node:http';

/** How a call goes wrong; `none` is most of them. */
type Fault = 'none' | 'cut' | 'left' | 'throttled' | 'failed' | 'exception';

export interface Kind {
  readonly operation: 'converse' | 'converse-stream' | 'invoke' | 'invoke-with-response-stream';
  readonly modelId: string;
  readonly fault: Fault;
  /** What the caller gets; 0 for one that has left. */
  readonly status: number;
}

const NOVA = 'amazon.nova-lite-v1:0';

function kind(operation: Kind['operation'], fault: Fault = 'none', modelId = pricedModel): Kind {
  const status = { none: 200, cut: 200, left: 0, throttled: 429, failed: 500, exception: 200 }[fault];
  return { operation, fault, status, modelId };
}

/** The mix: a quarter goes wrong in some way. */
export const KINDS: readonly Kind[] = [
  kind('converse'),
  kind('converse'),
  kind('converse', 'none', NOVA),
  kind('converse', 'throttled'),
  kind('converse-stream'),
  kind('converse-stream'),
  kind('converse-stream'),
  kind('converse-stream', 'cut'),
  kind('converse-stream', 'left'),
  kind('converse-stream', 'exception'),
  kind('invoke'),
  kind('invoke'),
  kind('invoke', 'failed'),
  kind('invoke-with-response-stream'),
  kind('invoke-with-response-stream'),
  kind('invoke-with-response-stream'),
  kind('invoke-with-response-stream'),
  kind('invoke-with-response-stream'),
  kind('invoke-with-response-stream', 'cut'),
  kind('invoke-with-response-stream', 'left'),
];

/** The body of a call: each call of a round of 61 has tokens of its own. */
export function bodyOf({ operation, modelId }: Kind, number: number): string {
  const text = `${'word '.repeat(number % 61)}.`;
  if (operation === 'invoke' || operation === 'invoke-with-response-stream') {
    const content = [{ type: 'text', text, cache_control: { type: 'ephemeral', ttl: '1h' } }];
    const messages = [{ role: 'user', content }];
    return JSON.stringify({ anthropic_version: 'bedrock-2023-05-31', max_tokens: 50, messages });
  }
  const cache = modelId === pricedModel ? [{ cachePoint: { type: 'default' } }] : [];
  return JSON.stringify({ messages: [{ role: 'user', content: [{ text }, ...cache] }] });
}

/** The header that tells Bedrock's side which call this is, and what is to befall it. */
export const CALL_HEADER = 'x-amzn-bedrock-fault';

export type Told = (call: number, modelId: string, tokens: Tokens) => void;

/**
 * Bedrock for such calls.
 *
 * @param told hears of the tokens that an answer has told, when they have been told
 * @param seen settles when the caller of a stream that is going to be cut has seen its first bytes
 */
export function responder(told: Told, seen: (call: number) => Promise<void>): Responder {
  return async (request, response) => {
    const [fault, number] = (request.headers[CALL_HEADER] ?? '').split(' ');
    const call = Number(number);
    const tell = (tokens: Tokens | undefined) => {
      if (tokens !== undefined) told(call, request.modelId ?? '', tokens);
    };
    switch (fault) {
      case 'throttled':
        return fail(429, 'ThrottlingException', '-')(request, response);
      case 'failed':
        return fail(500, 'InternalServerException', '-')(request, response);
      case 'exception':
        return exceptionFrame('throttlingException', '-')(request, response);
      case 'cut':
      case 'left':
        await firstEvents(request, response);
        tell(toldByFirst(request));
        await (fault === 'cut' ? seen(call) : request.aborted);
        response.destroy();
        return undefined;
      default: {
        const answer = defaultAnswer(request);
        return sendAnswer(response, answer, { beforeLast: () => tell(answer.tokens) });
      }
    }
  };
}

async function firstEvents(request: ReceivedRequest, response: ServerResponse): Promise<void> {
  const { status, headers, parts } = defaultAnswer(request);
  await writeHeaders(response, status, headers);
  for (const part of parts.slice(0, 3)) await write(response, part);
}

/** Anthropic's first event tells the input and the caches; Converse tells nothing before its last. */
function toldByFirst(request: ReceivedRequest): Tokens | undefined {
  const { tokens } = defaultAnswer(request);
  return request.operation === 'ConverseStream' || tokens === undefined ? undefined : { ...tokens, outputTokens: 0 };
}
