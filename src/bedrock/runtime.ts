/** Dialect in which a stream of server-sent events tells its client of a failure. */
export type EventDialect = 'openai' | 'anthropic';

export interface Operation {
  /** AWS's name of the operation; for the routes that AWS's API model does not hold, a name in the same style. */
  readonly name: string;
  readonly method: 'GET' | 'POST';
  /** Path with `{labels}`. A label is one segment on the wire; an ARN in it has its slashes encoded. */
  readonly template: string;
  /** Member of the JSON body that names the model, where the path does not. */
  readonly modelMember?: 'model' | 'modelId';
  readonly dialect?: EventDialect;
  /** Where it takes request metadata, which AWS documents for these alone (user guide, "Per-request metadata tagging"). */
  readonly metadata?: 'header' | 'body';
  /** Why the operation cannot pass. */
  readonly unsupported?: string;
}

/**
 * Every operation of the bedrock-runtime host: those of its API model (2023-09-30), and the OpenAI- and
 * Anthropic-shaped routes that the user guide documents for the same host. What has no row here is not signed.
 */
export const OPERATIONS: readonly Operation[] = [
  { name: 'Converse', method: 'POST', template: '/model/{modelId}/converse', metadata: 'body' },
  { name: 'ConverseStream', method: 'POST', template: '/model/{modelId}/converse-stream', metadata: 'body' },
  { name: 'InvokeModel', method: 'POST', template: '/model/{modelId}/invoke', metadata: 'header' },
  {
    name: 'InvokeModelWithResponseStream',
    method: 'POST',
    template: '/model/{modelId}/invoke-with-response-stream',
    metadata: 'header',
  },
  {
    name: 'InvokeModelWithBidirectionalStream',
    method: 'POST',
    template: '/model/{modelId}/invoke-with-bidirectional-stream',
    unsupported: 'Bidirectional streams need HTTP/2 from end to end and signed frames; they cannot pass this proxy.',
  },
  { name: 'CountTokens', method: 'POST', template: '/model/{modelId}/count-tokens' },
  {
    name: 'ApplyGuardrail',
    method: 'POST',
    template: '/guardrail/{guardrailIdentifier}/version/{guardrailVersion}/apply',
  },
  { name: 'InvokeGuardrailChecks', method: 'POST', template: '/guardrail-checks/invoke' },
  { name: 'StartAsyncInvoke', method: 'POST', template: '/async-invoke', modelMember: 'modelId' },
  { name: 'ListAsyncInvokes', method: 'GET', template: '/async-invoke' },
  { name: 'GetAsyncInvoke', method: 'GET', template: '/async-invoke/{invocationArn}' },
  {
    name: 'ChatCompletions',
    method: 'POST',
    template: '/openai/v1/chat/completions',
    modelMember: 'model',
    dialect: 'openai',
  },
  { name: 'Responses', method: 'POST', template: '/openai/v1/responses', modelMember: 'model', dialect: 'openai' },
  { name: 'Messages', method: 'POST', template: '/anthropic/v1/messages', modelMember: 'model', dialect: 'anthropic' },
  {
    name: 'CountMessageTokens',
    method: 'POST',
    template: '/anthropic/v1/messages/count_tokens',
    modelMember: 'model',
  },
];
