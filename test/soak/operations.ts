import { modelId } from '../support/models.ts';

/** How an answer comes: whole, as frames of `application/vnd.amazon.eventstream`, or as server-sent events. */
export type Shape = 'plain' | 'frames' | 'events';

export interface Operation {
  readonly method: 'GET' | 'POST';
  readonly path: string;
  readonly body?: string;
  readonly shape: Shape;
  /** What only the last message of a complete stream holds. */
  readonly last?: string;
}

const content = 'What is a signature?';
const converse = JSON.stringify({ messages: [{ role: 'user', content: [{ text: content }] }] });
const anthropic = { anthropic_version: 'bedrock-2023-05-31', max_tokens: 50, messages: [{ role: 'user', content }] };
const chat = { model: 'openai.gpt-oss-20b-1:0', messages: [{ role: 'user', content }] };

/** The mix: every shape, by every family of routes. */
export const OPERATIONS: readonly Operation[] = [
  post(`/model/${modelId}/converse`, 'plain', converse),
  post(`/model/${modelId}/converse-stream`, 'frames', converse, 'metadata'),
  post(`/model/${modelId}/invoke`, 'plain', JSON.stringify(anthropic)),
  post(
    `/model/${modelId}/invoke-with-response-stream`,
    'frames',
    JSON.stringify(anthropic),
    'amazon-bedrock-invocationMetrics',
  ),
  post(`/model/${modelId}/count-tokens`, 'plain', `{"input":{"converse":${converse}}}`),
  post('/openai/v1/chat/completions', 'plain', JSON.stringify(chat)),
  post('/openai/v1/chat/completions', 'events', JSON.stringify({ ...chat, stream: true }), '[DONE]'),
  post(
    '/anthropic/v1/messages',
    'events',
    JSON.stringify({ ...anthropic, model: modelId, stream: true }),
    'message_stop',
  ),
  { method: 'GET', path: '/async-invoke?maxResults=5', shape: 'plain' },
];

function post(path: string, shape: Shape, body: string, last?: string): Operation {
  return { method: 'POST', path, shape, body, ...(last === undefined ? {} : { last }) };
}
