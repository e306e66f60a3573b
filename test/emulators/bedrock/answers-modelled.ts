import { encodeEvent } from './frames.ts';
import { member, parseObject } from './json.ts';
import type { ReceivedRequest } from './received-request.ts';
import { splitTarget } from './sigv4-canonical.ts';
import { TEXT, TEXT_PIECES } from './tokens.ts';

/** What the answer of an operation holds, beside what its model says of it. */
export interface ModelledAnswer {
  /** Of a plain answer; bytes as they are. */
  readonly body?: object | Buffer;
  readonly events?: readonly Buffer[];
  readonly headers?: Readonly<Record<string, string>>;
}

const MODEL = 'anthropic.claude-3-5-haiku-20241022-v1:0';
const ACCOUNT = '123456789012';
const AT = '2026-01-01T00:00:00Z';

const bytes = (text: string) => Buffer.from(text).toString('base64');
const inputOf = ({ body }: ReceivedRequest) => parseObject(body);

function foundationModel(modelId: string): object {
  return {
    modelId,
    modelArn: `arn:aws:bedrock:us-east-1::foundation-model/${modelId}`,
    modelName: modelId,
    providerName: modelId.split('.', 1)[0],
    inputModalities: ['TEXT'],
    outputModalities: ['TEXT'],
    responseStreamingSupported: true,
    inferenceTypesSupported: ['ON_DEMAND'],
    modelLifecycle: { status: 'ACTIVE' },
  };
}

function inferenceProfile(id: string, type: 'SYSTEM_DEFINED' | 'APPLICATION'): object {
  const kind = type === 'APPLICATION' ? 'application-inference-profile' : 'inference-profile';
  return {
    inferenceProfileId: id,
    inferenceProfileName: id,
    inferenceProfileArn: `arn:aws:bedrock:us-east-1:${ACCOUNT}:${kind}/${id}`,
    models: [{ modelArn: `arn:aws:bedrock:us-east-1::foundation-model/${MODEL}` }],
    status: 'ACTIVE',
    type,
    createdAt: AT,
    updatedAt: AT,
  };
}

/** Two pages of profiles. */
function profiles({ target }: ReceivedRequest): ModelledAnswer {
  const query = new URLSearchParams(splitTarget(target).query);
  if (query.get('type') === 'APPLICATION') {
    return { body: { inferenceProfileSummaries: [inferenceProfile('abc123def456', 'APPLICATION')] } };
  }
  const region = query.has('nextToken') ? 'global' : 'us';
  const summaries = [inferenceProfile(`${region}.${MODEL}`, 'SYSTEM_DEFINED')];
  return { body: { inferenceProfileSummaries: summaries, ...(region === 'us' && { nextToken: 'bmV4dCBwYWdl+/=' }) } };
}

const RESULT = {
  content: { text: TEXT, type: 'TEXT' },
  location: { type: 'S3', s3Location: { uri: 's3://b/a' } },
  score: 1,
};

/** Of an agent: pieces of text, and a trace if one is asked for. */
function agentEvents(request: ReceivedRequest): Buffer[] {
  const trace = encodeEvent('trace', { sessionId: 's', trace: { preProcessingTrace: {} } });
  return [
    ...(member(inputOf(request), 'enableTrace') === true ? [trace] : []),
    ...TEXT_PIECES.map((text) => encodeEvent('chunk', { bytes: bytes(text) })),
  ];
}

const agent = (request: ReceivedRequest): ModelledAnswer => ({
  events: agentEvents(request),
  headers: {
    'x-amzn-bedrock-agent-content-type': 'application/json',
    'x-amz-bedrock-agent-session-id': request.labels.at(-1) ?? '',
  },
});

/** Answers with content, by AWS's names of the operations; all others are empty. */
export const MODELLED_ANSWERS: Readonly<Record<string, (request: ReceivedRequest) => ModelledAnswer>> = {
  ListFoundationModels: () => ({ body: { modelSummaries: [foundationModel(MODEL)] } }),
  GetFoundationModel: ({ labels }) => ({ body: { modelDetails: foundationModel(labels[0] ?? '') } }),
  GetFoundationModelAvailability: ({ labels }) => ({
    body: {
      modelId: labels[0],
      agreementAvailability: { status: 'AVAILABLE' },
      authorizationStatus: 'AUTHORIZED',
      entitlementAvailability: 'AVAILABLE',
      regionAvailability: 'AVAILABLE',
    },
  }),
  ListInferenceProfiles: profiles,
  GetInferenceProfile: ({ labels: [id = ''] }) => ({
    body: inferenceProfile(id.split('/').at(-1) ?? '', id.includes(':application-') ? 'APPLICATION' : 'SYSTEM_DEFINED'),
  }),
  ListProvisionedModelThroughputs: () => ({ body: { provisionedModelSummaries: [] } }),

  Retrieve: () => ({ body: { retrievalResults: [RESULT] } }),
  RetrieveAndGenerate: () => ({ body: { output: { text: TEXT }, sessionId: 'session-1', citations: [] } }),
  RetrieveAndGenerateStream: () => ({
    events: TEXT_PIECES.map((text) => encodeEvent('output', { text })),
    headers: { 'x-amzn-bedrock-knowledge-base-session-id': 'session-1' },
  }),
  AgenticRetrieveStream: () => ({
    events: [
      encodeEvent('traceEvent', { status: 'COMPLETED' }),
      encodeEvent('result', { results: [] }),
      ...TEXT_PIECES.map((text) => encodeEvent('responseEvent', { text })),
    ],
  }),
  Rerank: (request) => ({
    body: {
      results: (member(inputOf(request), 'sources') as readonly unknown[]).map((_, index) => ({
        index,
        relevanceScore: 1 / (index + 1),
      })),
    },
  }),
  GenerateQuery: () => ({ body: { queries: [{ type: 'REDSHIFT_SQL', sql: 'SELECT 1' }] } }),
  OptimizePrompt: () => ({
    events: [
      encodeEvent('analyzePromptEvent', { message: 'Looking at it.' }),
      encodeEvent('optimizedPromptEvent', { optimizedPrompt: { textPrompt: { text: TEXT } } }),
    ],
  }),

  InvokeAgent: agent,
  InvokeInlineAgent: agent,
  InvokeFlow: () => ({
    events: [
      encodeEvent('flowOutputEvent', { nodeName: 'Out', nodeType: 'FlowOutputNode', content: { document: TEXT } }),
      encodeEvent('flowCompletionEvent', { completionReason: 'SUCCESS' }),
    ],
    headers: { 'x-amz-bedrock-flow-execution-id': 'run-1' },
  }),
  CreateSession: () => ({ body: { sessionId: 'session-1', sessionStatus: 'ACTIVE', createdAt: AT } }),
  GetSession: ({ labels }) => ({ body: { sessionId: labels[0], sessionStatus: 'ACTIVE', createdAt: AT } }),
  EndSession: ({ labels }) => ({ body: { sessionId: labels[0], sessionStatus: 'ENDED' } }),
  StartFlowExecution: () => ({ body: { executionArn: 'run-1' } }),

  // What comes back is the agent's own affair: here what has come, in the form that was asked for.
  InvokeAgentRuntime: ({ headers, body }) => {
    const session = headers['mcp-session-id'];
    const asked = headers['accept']?.includes('text/event-stream') === true;
    return {
      body: asked ? Buffer.concat([Buffer.from('data: '), body, Buffer.from('\n\n')]) : body,
      headers: {
        'content-type': asked ? 'text/event-stream' : (headers['content-type'] ?? 'application/octet-stream'),
        'x-amzn-bedrock-agentcore-runtime-session-id':
          headers['x-amzn-bedrock-agentcore-runtime-session-id'] ?? 'runtime-session-0123456789-0123456789',
        ...(session === undefined ? {} : { 'mcp-session-id': session }),
      },
    };
  },
};
