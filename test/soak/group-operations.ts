import { SERVICES } from '../../src/bedrock/services.ts';
import type { Operation as Row, Service } from '../../src/bedrock/service.ts';
import { MODELS } from '../support/aws-models.ts';
import { pricedModel } from '../support/models.ts';
import type { Operation } from './operations.ts';

const ASYNC = encodeURIComponent('arn:aws:bedrock:us-east-1:123456789012:async-invoke/abcdef012345');

/** Values of labels that cannot be just anything. */
const LABELS: Readonly<Record<string, string>> = {
  modelId: pricedModel,
  invocationArn: ASYNC,
  responseId: 'resp_0123456789abcdef',
  guardrailIdentifier: 'gr7abc123def',
  guardrailVersion: '3',
};

const MESSAGES = [{ role: 'user', content: [{ text: 'Hi' }] }];

/** Bodies of those that need more than the members that AWS's model requires. */
const BODIES: Readonly<Record<string, object>> = {
  CountTokens: { input: { converse: { messages: MESSAGES } } },
  ApplyGuardrail: { source: 'INPUT', content: [{ text: { text: 'Hi' } }] },
  InvokeGuardrailChecks: { messages: MESSAGES, checks: { contentFilter: { categories: [{ category: 'HATE' }] } } },
  StartAsyncInvoke: {
    modelId: pricedModel,
    modelInput: {},
    outputDataConfig: { s3OutputDataConfig: { s3Uri: 's3://amzn-s3-demo-bucket/a' } },
  },
  CountMessageTokens: { model: pricedModel, messages: [{ role: 'user', content: 'Hi' }] },
  CancelResponse: {},
  InvokeAgentRuntime: { jsonrpc: '2.0', id: 1, method: 'ping' },
};

/** What only the last message of their streams holds, by what the emulated services answer. */
const LAST: Readonly<Record<string, string>> = {
  RetrieveAndGenerateStream: 'no longer fits.',
  AgenticRetrieveStream: 'no longer fits.',
  OptimizePrompt: 'optimizedPromptEvent',
  InvokeAgent: 'no longer fits.',
  InvokeInlineAgent: 'no longer fits.',
  InvokeFlow: 'flowCompletionEvent',
};

/** Every operation of every group that is not called for a model's tokens: one row of its service's table each. */
export const GROUP_OPERATIONS: readonly Operation[] = [
  ...SERVICES.flatMap((service) =>
    service.operations
      .filter(({ metering, unsupported }) => metering !== 'used' && unsupported === undefined)
      .map((row) => callOf(service, row)),
  ),
  // An agent of one's own answers in the form that it is asked for.
  agentStream(),
];

function callOf({ hostPrefix, prefix = '' }: Service, row: Row): Operation {
  const model = MODELS[hostPrefix]?.find(({ name }) => name === row.name);
  const path = row.template.replaceAll(/\{(\w+)\}/g, (_, label: string) => LABELS[label] ?? 'abc123');
  const isStream = model?.events !== undefined;
  const last = LAST[row.name];
  const required = Object.fromEntries((model?.required ?? []).map((member) => [member, []]));
  const body = JSON.stringify(BODIES[row.name] ?? required);
  return {
    name: row.name,
    group: row.group,
    method: row.method,
    path: prefix + path,
    shape: isStream ? 'frames' : 'plain',
    status: model?.status ?? 200,
    ...(row.method === 'GET' || row.method === 'DELETE' ? {} : { body: () => body }),
    ...(last === undefined ? {} : { last }),
    ...(row.streamException === undefined ? {} : { exception: row.streamException }),
    ...(row.metering === 'untold' ? { spends: 'untold' } : {}),
  };
}

function agentStream(): Operation {
  return {
    name: 'InvokeAgentRuntime',
    group: 'agentcore',
    method: 'POST',
    path: '/agentcore/runtimes/abc123/invocations',
    headers: { accept: 'application/json, text/event-stream', 'mcp-session-id': 'mcp-1' },
    body: () => JSON.stringify(BODIES['InvokeAgentRuntime']),
    shape: 'events',
    last: '"method":"ping"',
    spends: 'untold',
  };
}
