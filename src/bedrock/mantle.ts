import type { Operation, Service } from './service.ts';

/** What OpenAI's clients call below a base URL. */
function openAiRoutes(base: string): Operation[] {
  const responses = `${base}/responses`;
  const route = { group: 'mantle', guardrail: 'needless', query: 'any' } as const;
  const stored = { ...route, stored: true } as const;
  // Guardrails do not work on this host.
  const generation = {
    ...route,
    method: 'POST',
    modelMember: 'model',
    metering: 'used',
    genAi: 'chat',
    guardrail: 'impossible',
  } as const;
  return [
    {
      ...generation,
      name: 'ChatCompletions',
      template: `${base}/chat/completions`,
      usage: 'streamsIfAsked',
      dialect: 'openai',
    },
    { ...generation, name: 'Responses', template: responses, usage: 'unlessInBackground', dialect: 'responses' },
    { ...stored, name: 'GetResponse', method: 'GET', template: `${responses}/{responseId}`, dialect: 'responses' },
    { ...stored, name: 'DeleteResponse', method: 'DELETE', template: `${responses}/{responseId}` },
    { ...stored, name: 'CancelResponse', method: 'POST', template: `${responses}/{responseId}/cancel` },
    { ...route, name: 'ListModels', method: 'GET', template: `${base}/models` },
  ];
}

/**
 * Bedrock's host for models in OpenAI's and Anthropic's form that the runtime does not have, and for responses made in the
 * background. AWS has no API model of it (user guide, "Endpoints supported by Amazon Bedrock"); which model answers below
 * `/v1` and which below `/openai/v1`, depends on the model.
 */
export const MANTLE: Service = {
  hostPrefix: 'bedrock-mantle',
  dualStack: true,
  signingName: 'bedrock-mantle',
  prefix: '/mantle',
  operations: [
    ...openAiRoutes('/v1'),
    ...openAiRoutes('/openai/v1'),
    {
      name: 'Messages',
      group: 'mantle',
      guardrail: 'impossible',
      method: 'POST',
      template: '/anthropic/v1/messages',
      query: 'any',
      modelMember: 'model',
      metering: 'used',
      genAi: 'chat',
      dialect: 'anthropic',
    },
    {
      name: 'CountMessageTokens',
      group: 'mantle',
      guardrail: 'needless',
      method: 'POST',
      template: '/anthropic/v1/messages/count_tokens',
      query: 'any',
      modelMember: 'model',
      metering: 'counted',
    },
  ],
};
