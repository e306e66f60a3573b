import { anthropicEvents, anthropicMessage } from './anthropic-message.ts';
import { plain, SERVER_SENT_EVENTS, streamed, type Answer } from './answer.ts';
import { guardedEvents, guardedWhole } from './guarded-answers.ts';
import { member, requireObject } from './json.ts';
import type { ReceivedRequest } from './received-request.ts';
import { countInput, countTokens, divideCaches, withCompaction } from './tokens.ts';

/** `/anthropic/v1/messages`, streamed or not. */
export function messages(request: ReceivedRequest): Answer {
  const input = requireObject(request.body);
  const tokens = withCompaction(divideCaches(countTokens(request), request), request);
  const model = request.modelId ?? '';
  if (member(input, 'stream') !== true)
    return plain(guardedWhole(request, anthropicMessage(model, tokens)), {}, tokens);
  const parts = guardedEvents(request, anthropicEvents(model, tokens)).map((event) =>
    Buffer.from(`event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`),
  );
  return streamed(parts, SERVER_SENT_EVENTS, tokens);
}

/** `/anthropic/v1/messages/count_tokens`. */
export function countMessageTokens(request: ReceivedRequest): Answer {
  requireObject(request.body);
  return plain({ input_tokens: countInput(request) });
}
