import type { Random } from './random.ts';
import { ALIAS, modelId } from '../support/models.ts';

/** A request before it is bytes. */
export interface Draft {
  method: string;
  target: string;
  version: string;
  headers: [name: string, value: string][];
  body: Buffer;
  chunked: boolean;
}

const PROFILE = 'arn%3Aaws%3Abedrock%3Aus-east-1%3A123456789012%3Ainference-profile%2Fus.anthropic.claude-v2%3A1';
const MESSAGES = '"messages":[{"role":"user","content":[{"text":"What is a signature?"}]}]';

/** One for each shape of request that the proxy knows. */
const VALID: readonly (readonly [method: string, target: string, body: string])[] = [
  ['POST', `/model/${modelId}/converse`, `{${MESSAGES}}`],
  ['POST', `/model/${PROFILE}/converse`, `{${MESSAGES}}`],
  ['POST', `/model/${encodeURIComponent(`eu.${modelId}`)}/converse`, `{${MESSAGES}}`],
  ['POST', `/model/${modelId}/converse-stream`, `{${MESSAGES}}`],
  ['POST', `/model/${modelId}/invoke`, '{"anthropic_version":"bedrock-2023-05-31","max_tokens":10,"messages":[]}'],
  ['POST', `/model/amazon.nova-lite-v1:0/invoke-with-response-stream`, '{"messages":[]}'],
  ['POST', `/model/${modelId}/count-tokens`, `{"input":{"converse":{${MESSAGES}}}}`],
  ['POST', '/guardrail/gr-1/version/DRAFT/apply', '{"source":"INPUT","content":[{"text":{"text":"x"}}]}'],
  ['POST', '/openai/v1/chat/completions', '{"model":"openai.gpt-oss-20b-1:0","messages":[],"stream":true}'],
  ['POST', '/openai/v1/chat/completions', '{"model":"openai.gpt-oss-20b-1:0","messages":[]}'],
  ['POST', '/anthropic/v1/messages', '{"model":"anthropic.claude-v2","max_tokens":1,"messages":[],"stream":true}'],
  ['POST', `/model/${ALIAS}/converse`, `{${MESSAGES},"guardrailConfig":{"trace":"enabled"}}`],
  [
    'POST',
    `/model/${modelId}/converse-stream`,
    `{"guardrailConfig":{"guardrailIdentifier":"gr7abc123def","guardrailVersion":"3"},${MESSAGES}}`,
  ],
  ['POST', '/anthropic/v1/messages', `{"model":"${ALIAS}","max_tokens":1,"messages":[]}`],
  ['POST', '/openai/v1/responses', `{"input":"Hi","model":"${ALIAS}"}`],
  ['POST', '/async-invoke', `{"modelId":"${ALIAS}","modelInput":{}}`],
  ['GET', '/async-invoke?maxResults=5&statusEquals=Completed', ''],
  ['GET', '/inference-profiles?type=SYSTEM_DEFINED&maxResults=5', ''],
  ['GET', `/inference-profiles/${PROFILE}`, ''],
  ['POST', '/rerank', `{"queries":[],"sources":[],"rerankingConfiguration":{"modelArn":"${modelId}"}}`],
  ['POST', '/retrieveAndGenerateStream', '{"input":{"text":"x"},"a":[{"modelArn":"amazon.nova-lite-v1:0"}]}'],
  ['POST', '/agents/AGENT12345/agentAliases/ALIAS12345/sessions/s-1/text', '{"inputText":"x"}'],
  ['PUT', '/sessions/s-1/invocationSteps/', '{"invocationIdentifier":"i","invocationStepTime":"t","payload":{}}'],
  ['PATCH', '/sessions/s-1', ''],
  ['POST', '/agentcore/runtimes/my_agent-0123456789/invocations?qualifier=DEFAULT', '{"jsonrpc":"2.0"}'],
  ['POST', '/mantle/v1/responses', '{"model":"openai.gpt-oss-20b-1:0","input":"x","stream":true}'],
  ['GET', '/health', ''],
];

/** A request that is in order. `prefix` goes before its path; `admission` are the headers that let it in. */
export function validDraft(random: Random, prefix: string, admission: Draft['headers']): Draft {
  const [method, target, body] = random.pick(VALID);
  return {
    method,
    target: prefix + target,
    version: 'HTTP/1.1',
    headers: [['Host', 'fuzz.example'], ...admission, ['Content-Type', 'application/json'], ['Accept', '*/*']],
    body: Buffer.from(body),
    chunked: method === 'POST' && random.oneIn(3),
  };
}

/** The bytes of a request, its body framed as the draft says unless a header of the draft does so already. */
export function serialize({ method, target, version, headers, body, chunked }: Draft, random: Random): Buffer {
  const framed = headers.some(([name]) => /^(?:content-length|transfer-encoding)$/i.test(name));
  const framing: Draft['headers'] = chunked
    ? [['Transfer-Encoding', 'chunked']]
    : body.length > 0 || method === 'POST'
      ? [['Content-Length', String(body.length)]]
      : [];
  const lines = [...headers, ...(framed ? [] : framing)].map(([name, value]) => `${name}: ${value}`);
  const head = Buffer.from([`${method} ${target} ${version}`, ...lines, '', ''].join('\r\n'), 'latin1');
  return Buffer.concat([head, chunked ? inChunks(body, random) : body]);
}

function inChunks(body: Buffer, random: Random): Buffer {
  const parts: Buffer[] = [];
  for (let at = 0; at < body.length;) {
    const chunk = body.subarray(at, at + 1 + random.integer(body.length));
    parts.push(Buffer.from(`${chunk.length.toString(16)}\r\n`), chunk, Buffer.from('\r\n'));
    at += chunk.length;
  }
  return Buffer.concat([...parts, Buffer.from('0\r\n\r\n')]);
}
