import type { Operation } from './service.ts';

const FLOW = '/flows/{flowIdentifier}/aliases/{flowAliasIdentifier}';
const EXECUTION = `${FLOW}/executions/{executionIdentifier}`;
const MEMORIES = '/agents/{agentId}/agentAliases/{agentAliasId}/memories';
const SESSION = '/sessions/{sessionIdentifier}';

/** As for retrieval. */
const streamException = 'badGatewayException';

/** A model works, which the agent or the flow names; no answer tells its tokens. */
const INVOCATION = {
  group: 'agents',
  method: 'POST',
  metering: 'untold',
  hiddenModel: true,
  guardrail: 'impossible',
} as const;

/** No model works. */
const KEPT = { group: 'agents', guardrail: 'needless' } as const;

/**
 * Agents and flows, which may act outside, and what AWS keeps for them: sessions, memories, executions. The slash at the
 * end of a path belongs to it, and the longer of two that begin alike comes first.
 */
export const AGENTS: readonly Operation[] = [
  {
    ...INVOCATION,
    name: 'InvokeAgent',
    template: '/agents/{agentId}/agentAliases/{agentAliasId}/sessions/{sessionId}/text',
    streamException,
  },
  { ...INVOCATION, name: 'InvokeInlineAgent', template: '/agents/{sessionId}', streamException },
  {
    ...KEPT,
    name: 'GetAgentMemory',
    method: 'GET',
    template: MEMORIES,
    query: ['memoryType', 'memoryId', 'nextToken', 'maxItems'],
  },
  { ...KEPT, name: 'DeleteAgentMemory', method: 'DELETE', template: MEMORIES, query: ['memoryId', 'sessionId'] },

  { ...INVOCATION, name: 'StartFlowExecution', template: `${FLOW}/executions` },
  { ...KEPT, name: 'StopFlowExecution', method: 'POST', template: `${EXECUTION}/stop` },
  { ...INVOCATION, name: 'InvokeFlow', template: FLOW, streamException },
  { ...KEPT, name: 'GetExecutionFlowSnapshot', method: 'GET', template: `${EXECUTION}/flowsnapshot` },
  {
    ...KEPT,
    name: 'ListFlowExecutionEvents',
    method: 'GET',
    template: `${EXECUTION}/events`,
    query: ['eventType', 'maxResults', 'nextToken'],
  },
  { ...KEPT, name: 'GetFlowExecution', method: 'GET', template: EXECUTION },
  {
    ...KEPT,
    name: 'ListFlowExecutions',
    method: 'GET',
    template: '/flows/{flowIdentifier}/executions',
    query: ['flowAliasIdentifier', 'maxResults', 'nextToken'],
  },

  { ...KEPT, name: 'CreateInvocation', method: 'PUT', template: `${SESSION}/invocations/` },
  {
    ...KEPT,
    name: 'ListInvocations',
    method: 'POST',
    template: `${SESSION}/invocations/`,
    query: ['nextToken', 'maxResults'],
  },
  { ...KEPT, name: 'PutInvocationStep', method: 'PUT', template: `${SESSION}/invocationSteps/` },
  {
    ...KEPT,
    name: 'ListInvocationSteps',
    method: 'POST',
    template: `${SESSION}/invocationSteps/`,
    query: ['nextToken', 'maxResults'],
  },
  {
    ...KEPT,
    name: 'GetInvocationStep',
    method: 'POST',
    template: `${SESSION}/invocationSteps/{invocationStepId}`,
  },
  { ...KEPT, name: 'CreateSession', method: 'PUT', template: '/sessions/' },
  { ...KEPT, name: 'ListSessions', method: 'POST', template: '/sessions/', query: ['maxResults', 'nextToken'] },
  { ...KEPT, name: 'GetSession', method: 'GET', template: `${SESSION}/` },
  { ...KEPT, name: 'UpdateSession', method: 'PUT', template: `${SESSION}/` },
  { ...KEPT, name: 'DeleteSession', method: 'DELETE', template: `${SESSION}/` },
  { ...KEPT, name: 'EndSession', method: 'PATCH', template: SESSION },
];
