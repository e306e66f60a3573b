import { plain, SERVER_SENT_EVENTS, streamed, type Answer } from './answer.ts';
import type { ReceivedRequest } from './received-request.ts';
import { splitTarget } from './sigv4-canonical.ts';
import { TEXT } from './tokens.ts';

/**
 * `GET /openai/v1/responses/{id}`, streamed with `?stream=true`: any id is one that has been stored. Its usage is that of
 * the call that made it, so this one costs nothing.
 */
export function getResponse({ labels, target, receivedAt }: ReceivedRequest): Answer {
  const response = stored(labels[0] ?? '', 'completed', receivedAt);
  if (new URLSearchParams(splitTarget(target).query).get('stream') !== 'true') return plain(response);
  const events = [
    { type: 'response.created', response: { ...response, status: 'in_progress', output: [], usage: null } },
    { type: 'response.completed', response },
  ];
  const parts = events.map((event, index) =>
    Buffer.from(`event: ${event.type}\ndata: ${JSON.stringify({ ...event, sequence_number: index })}\n\n`),
  );
  return streamed(parts, SERVER_SENT_EVENTS);
}

/** `DELETE /openai/v1/responses/{id}`. */
export function deleteResponse({ labels }: ReceivedRequest): Answer {
  return plain({ id: labels[0], object: 'response', deleted: true });
}

/** `POST /openai/v1/responses/{id}/cancel`. */
export function cancelResponse({ labels, receivedAt }: ReceivedRequest): Answer {
  return plain(stored(labels[0] ?? '', 'cancelled', receivedAt));
}

function stored(id: string, status: 'completed' | 'cancelled', at: Date): object {
  const part = { type: 'output_text', text: TEXT, annotations: [], logprobs: [] };
  return {
    id,
    object: 'response',
    created_at: Math.floor(at.getTime() / 1000),
    model: 'openai.gpt-oss-20b-1:0',
    status,
    error: null,
    incomplete_details: null,
    instructions: null,
    metadata: {},
    output: [{ id: 'msg_1', type: 'message', role: 'assistant', status: 'completed', content: [part] }],
    parallel_tool_calls: true,
    temperature: 1,
    tool_choice: 'auto',
    tools: [],
    top_p: 1,
    usage: {
      input_tokens: 1111,
      input_tokens_details: { cached_tokens: 0 },
      output_tokens: 2222,
      output_tokens_details: { reasoning_tokens: 0 },
      total_tokens: 3333,
    },
  };
}
