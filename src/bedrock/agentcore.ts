import type { Service } from './service.ts';

/**
 * Agents that run at AgentCore: what a program of one's own there answers, in any content type. Of the 67 operations this
 * one alone: the others hand out tokens, spend money, or run commands.
 */
export const AGENTCORE: Service = {
  hostPrefix: 'bedrock-agentcore',
  signingName: 'bedrock-agentcore',
  prefix: '/agentcore',
  operations: [
    {
      name: 'InvokeAgentRuntime',
      group: 'agentcore',
      guardrail: 'impossible',
      method: 'POST',
      template: '/runtimes/{agentRuntimeArn}/invocations',
      query: ['qualifier', 'accountId'],
      headers: 'mcp-',
      metering: 'untold',
      hiddenModel: true,
      dialect: 'unknown',
    },
  ],
};
