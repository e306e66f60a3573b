import { createAmazonBedrock } from '@ai-sdk/amazon-bedrock';
import { AnthropicBedrockMantle } from '@anthropic-ai/bedrock-sdk';
import {
  BedrockClient,
  GetFoundationModelAvailabilityCommand,
  GetFoundationModelCommand,
  GetInferenceProfileCommand,
  GetProvisionedModelThroughputCommand,
  ListFoundationModelsCommand,
  ListInferenceProfilesCommand,
  ListProvisionedModelThroughputsCommand,
  paginateListInferenceProfiles,
} from '@aws-sdk/client-bedrock';
import {
  AgenticRetrieveStreamCommand,
  BadGatewayException,
  BedrockAgentRuntimeClient,
  CreateSessionCommand,
  DeleteSessionCommand,
  EndSessionCommand,
  GenerateQueryCommand,
  GetAgentMemoryCommand,
  GetSessionCommand,
  InvokeAgentCommand,
  InvokeFlowCommand,
  InvokeInlineAgentCommand,
  ListSessionsCommand,
  OptimizePromptCommand,
  PutInvocationStepCommand,
  RerankCommand,
  RetrieveAndGenerateCommand,
  RetrieveAndGenerateStreamCommand,
  RetrieveCommand,
  StartFlowExecutionCommand,
  ThrottlingException,
} from '@aws-sdk/client-bedrock-agent-runtime';
import { BedrockAgentCoreClient, InvokeAgentRuntimeCommand } from '@aws-sdk/client-bedrock-agentcore';
import { rerank } from 'ai';
import OpenAI from 'openai';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';

import { GROUPS } from '../../src/bedrock/groups.ts';
import { SERVICES } from '../../src/bedrock/services.ts';
import { streamed, EVENT_STREAM, SERVER_SENT_EVENTS } from '../emulators/bedrock/answer.ts';
import { cutAt, fail } from '../emulators/bedrock/faults.ts';
import { encodeEvent } from '../emulators/bedrock/frames.ts';
import type { ServiceName } from '../emulators/bedrock/services.ts';
import { TEXT } from '../emulators/bedrock/tokens.ts';
import { type Chain, startChain } from '../emulators/chain.ts';
import { MODELS } from '../support/aws-models.ts';
import { ask, call, recordOf } from '../support/chain-calls.ts';
import { modelId, openAiModel } from '../support/models.ts';
import { nextRecord } from '../support/records.ts';

const PROFILE = 'arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/abc123def456';
const RUNTIME = 'arn:aws:bedrock-agentcore:us-east-1:123456789012:runtime/my_agent-0123456789';
const RANKS = 'arn:aws:bedrock:us-east-1::foundation-model/amazon.rerank-v1:0';
const GENERATES = `arn:aws:bedrock:us-east-1::foundation-model/${modelId}`;

let chain: Chain;
let control: BedrockClient;
let agents: BedrockAgentRuntimeClient;
let core: BedrockAgentCoreClient;

beforeAll(async () => {
  chain = await startChain({ settings: { OPERATIONS: GROUPS.join(',') } });
  control = new BedrockClient(chain.clientConfig());
  agents = new BedrockAgentRuntimeClient(chain.clientConfig());
  // What the proxy serves of AgentCore, it serves below a path of its own.
  core = new BedrockAgentCoreClient({ ...chain.clientConfig(), endpoint: `${chain.gateway.url}/agentcore` });
});
afterAll(async () => {
  for (const client of [control, agents, core]) client.destroy();
  await chain.close();
});
beforeEach(() => {
  chain.bedrock.reset();
  for (const service of Object.values(chain.services)) service.reset();
});

/** The one request that reached AWS, at this service, its signature verified there for the service's own name. */
function received(service: Exclude<ServiceName, 'bedrock-runtime'>, operation: string) {
  const others = Object.entries(chain.services).filter(([name]) => name !== service);
  expect([chain.bedrock, ...others.map(([, each]) => each)].flatMap(({ requests }) => requests)).toStrictEqual([]);
  const { requests } = chain.services[service];
  expect(requests).toHaveLength(1);
  expect(requests[0]).toMatchObject({ operation, verified: true, accessKeyId: chain.key.accessKeyId });
  return requests[0];
}

describe('discovery', () => {
  it.each([
    new ListFoundationModelsCommand({ byProvider: 'anthropic', byInferenceType: 'ON_DEMAND' }),
    new GetFoundationModelCommand({ modelIdentifier: modelId }),
    new GetFoundationModelAvailabilityCommand({ modelId }),
    new ListInferenceProfilesCommand({ typeEquals: 'SYSTEM_DEFINED', maxResults: 5 }),
    new GetInferenceProfileCommand({ inferenceProfileIdentifier: PROFILE }),
    new ListProvisionedModelThroughputsCommand({ statusEquals: 'InService', creationTimeAfter: new Date(0) }),
    new GetProvisionedModelThroughputCommand({ provisionedModelId: 'abc123def456' }),
  ])('%o', async (command) => {
    const { $metadata } = await control.send(command as ListFoundationModelsCommand);
    expect($metadata.httpStatusCode).toBe(200);
    received('bedrock', command.constructor.name.replace('Command', ''));
  });

  it('all pages of a list', async () => {
    const pages = await Array.fromAsync(
      paginateListInferenceProfiles({ client: control }, { typeEquals: 'SYSTEM_DEFINED' }),
    );
    const ids = pages.flatMap(({ inferenceProfileSummaries = [] }) => inferenceProfileSummaries);
    expect(ids.map(({ inferenceProfileId }) => inferenceProfileId?.split('.')[0])).toStrictEqual(['us', 'global']);
    expect(chain.services.bedrock.requests.map(({ verified }) => verified)).toStrictEqual([true, true]);
  });

  it('as Claude Code asks: the base of the runtime, and the key as a bearer token', async () => {
    const client = new BedrockClient({
      endpoint: chain.gateway.url,
      region: 'us-east-1',
      token: { token: chain.gateway.subscriptionKey },
      authSchemePreference: ['httpBearerAuth'],
    });
    const list = await client.send(new ListInferenceProfilesCommand({ typeEquals: 'SYSTEM_DEFINED' }));
    expect(list.inferenceProfileSummaries?.[0]?.models?.[0]?.modelArn).toContain('foundation-model/');
    const profile = await client.send(new GetInferenceProfileCommand({ inferenceProfileIdentifier: PROFILE }));
    expect(profile).toMatchObject({ inferenceProfileArn: PROFILE, type: 'APPLICATION' });
    client.destroy();
    expect(chain.services.bedrock.requests.map(({ target, verified }) => [target, verified])).toStrictEqual([
      ['/inference-profiles?type=SYSTEM_DEFINED', true],
      [`/inference-profiles/${encodeURIComponent(PROFILE)}`, true],
    ]);
  });

  it('as LangChain for Python asks, by botocore, for the model behind an application profile', async () => {
    // botocore leaves colons as they are.
    const path = `/inference-profiles/${PROFILE.replaceAll('/', '%2F')}`;
    const { answer, record } = await call(chain, path, {
      body: null,
      headers: { 'user-agent': 'Boto3/1.43.67 md/Botocore#1.43.67', 'accept-encoding': 'identity' },
    });
    expect(JSON.parse(String(answer.body)).models).toHaveLength(1);
    expect(received('bedrock', 'GetInferenceProfile')?.target).toBe(
      `/inference-profiles/${encodeURIComponent(PROFILE)}`,
    );
    expect(record).toMatchObject({
      operation: 'GetInferenceProfile',
      operationGroup: 'discovery',
      outcome: 'complete',
    });
    expect(record).not.toHaveProperty('usageUnknown');
    expect(record).not.toHaveProperty('modelId');
  });

  it.each(['?type=SYSTEM_DEFINED&other=1', '?type=APPLICATION&type=SYSTEM_DEFINED'])(
    '%s is not what AWS takes',
    async (query) => {
      const answer = await ask(chain, `/inference-profiles${query}`, { body: null });
      expect([answer.status, answer.headers['x-amzn-errortype']]).toStrictEqual([400, 'ValidationException']);
      expect(chain.services.bedrock.requests).toStrictEqual([]);
    },
  );

  it.each([
    ['POST', '/inference-profiles', 404],
    ['GET', '/guardrails', 404],
    ['GET', '/logging/modelinvocations', 404],
    ['DELETE', '/inference-profiles/a', 404],
  ])('%s %s is none of it', async (method, path, status) => {
    const answer = await ask(chain, path, { method, body: null });
    expect([answer.status, answer.headers['x-amzn-errortype']]).toStrictEqual([status, 'UnknownOperationException']);
  });
});

const reranking = (modelArn: string) => ({
  type: 'BEDROCK_RERANKING_MODEL' as const,
  bedrockRerankingConfiguration: { modelConfiguration: { modelArn } },
});
const generation = {
  input: { text: 'What is a signature?' },
  retrieveAndGenerateConfiguration: {
    type: 'KNOWLEDGE_BASE' as const,
    knowledgeBaseConfiguration: { knowledgeBaseId: 'KB12345678', modelArn: GENERATES },
  },
};

describe('retrieval', () => {
  it('Retrieve', async () => {
    const { retrievalResults } = await agents.send(
      new RetrieveCommand({ knowledgeBaseId: 'KB12345678', retrievalQuery: { text: 'signature' } }),
    );
    expect(retrievalResults?.[0]?.content?.text).toBe(TEXT);
    received('bedrock-agent-runtime', 'Retrieve');
  });

  it('RetrieveAndGenerate', async () => {
    const { output } = await agents.send(new RetrieveAndGenerateCommand(generation));
    expect(output?.text).toBe(TEXT);
    received('bedrock-agent-runtime', 'RetrieveAndGenerate');
    const record = await nextRecord(chain.host, ({ operation }) => operation === 'RetrieveAndGenerate');
    expect(record).toMatchObject({
      operationGroup: 'retrieval',
      modelId: GENERATES,
      foundationModelId: modelId,
      usageUnknown: 'not told by this operation',
      outcome: 'complete',
      status: 200,
    });
  });

  it('RetrieveAndGenerateStream', async () => {
    const { stream, sessionId } = await agents.send(new RetrieveAndGenerateStreamCommand(generation));
    const events = await Array.fromAsync(stream ?? []);
    expect(events.map(({ output }) => output?.text).join('')).toBe(TEXT);
    expect(sessionId).toBe('session-1');
    received('bedrock-agent-runtime', 'RetrieveAndGenerateStream');
    const record = await nextRecord(chain.host, ({ operation }) => operation === 'RetrieveAndGenerateStream');
    expect(record).toMatchObject({ streamed: true, usageUnknown: 'not told by this operation', outcome: 'complete' });
  });

  it('AgenticRetrieveStream', async () => {
    const { stream } = await agents.send(
      new AgenticRetrieveStreamCommand({
        messages: [{ role: 'user', content: { text: 'signature' } }],
        retrievers: [],
        agenticRetrieveConfiguration: { foundationModelType: 'MANAGED' },
      }),
    );
    const events = await Array.fromAsync(stream ?? []);
    expect(events.map(({ responseEvent }) => responseEvent?.text ?? '').join('')).toBe(TEXT);
    received('bedrock-agent-runtime', 'AgenticRetrieveStream');
  });

  it('Rerank', async () => {
    const { results } = await agents.send(
      new RerankCommand({
        queries: [{ type: 'TEXT', textQuery: { text: 'signature' } }],
        sources: ['a', 'b'].map((text) => ({
          type: 'INLINE',
          inlineDocumentSource: { type: 'TEXT', textDocument: { text } },
        })),
        rerankingConfiguration: reranking(RANKS),
      }),
    );
    expect(results?.map(({ index }) => index)).toStrictEqual([0, 1]);
    received('bedrock-agent-runtime', 'Rerank');
  });

  it('rerank of the AI SDK, on the same base as its models', async () => {
    const bedrock = createAmazonBedrock({
      baseURL: chain.gateway.url,
      apiKey: chain.gateway.subscriptionKey,
      region: 'us-east-1',
    });
    const { ranking } = await rerank({
      model: bedrock.reranking('amazon.rerank-v1:0'),
      query: 'signature',
      documents: ['a', 'b', 'c'],
      topN: 3,
    });
    expect(ranking.map(({ originalIndex }) => originalIndex)).toStrictEqual([0, 1, 2]);
    received('bedrock-agent-runtime', 'Rerank');
  });

  it('GenerateQuery, OptimizePrompt', async () => {
    await agents.send(
      new GenerateQueryCommand({
        queryGenerationInput: { type: 'TEXT', text: 'How many?' },
        transformationConfiguration: { mode: 'TEXT_TO_SQL' },
      }),
    );
    received('bedrock-agent-runtime', 'GenerateQuery');
    chain.services['bedrock-agent-runtime'].reset();
    const { optimizedPrompt } = await agents.send(
      new OptimizePromptCommand({ input: { textPrompt: { text: 'Hi' } }, targetModelId: modelId }),
    );
    const events = await Array.fromAsync(optimizedPrompt ?? []);
    expect(events.at(-1)?.optimizedPromptEvent).toBeDefined();
    received('bedrock-agent-runtime', 'OptimizePrompt');
  });

  it('a refusal of AWS has its type', async () => {
    chain.services['bedrock-agent-runtime'].answer(fail(429, 'ThrottlingException', 'Slow down.'), { times: 3 });
    await expect(agents.send(new RetrieveAndGenerateCommand(generation))).rejects.toBeInstanceOf(ThrottlingException);
    expect(chain.services['bedrock-agent-runtime'].requests).toHaveLength(3);
  });
});

describe('agents', () => {
  const alias = { agentId: 'AGENT12345', agentAliasId: 'ALIAS12345', sessionId: 'session-1' };
  const flow = {
    flowIdentifier: 'arn:aws:bedrock:us-east-1:123456789012:flow/FLOW123456',
    flowAliasIdentifier: 'arn:aws:bedrock:us-east-1:123456789012:flow/FLOW123456/alias/ALIAS12345',
    inputs: [{ nodeName: 'In', nodeOutputName: 'document', content: { document: 'Hi' } }],
  };

  it('InvokeAgent, with its trace', async () => {
    const answer = await agents.send(new InvokeAgentCommand({ ...alias, inputText: 'Hi', enableTrace: true }));
    const events = await Array.fromAsync(answer.completion ?? []);
    expect(events[0]?.trace?.trace).toBeDefined();
    const text = events.map(({ chunk }) => Buffer.from(chunk?.bytes ?? []).toString()).join('');
    expect([text, answer.sessionId, answer.contentType]).toStrictEqual([TEXT, 'session-1', 'application/json']);
    received('bedrock-agent-runtime', 'InvokeAgent');
    const record = await nextRecord(chain.host, ({ operation }) => operation === 'InvokeAgent');
    expect(record).toMatchObject({
      operationGroup: 'agents',
      usageUnknown: 'not told by this operation',
      streamed: true,
    });
  });

  it('a stream that breaks ends with an exception that its client knows', async () => {
    chain.services['bedrock-agent-runtime'].answer(
      cutAt(150, () => streamed([encodeEvent('chunk', { bytes: 'SGk=' }), encodeEvent('chunk', {})], EVENT_STREAM)),
    );
    const { completion } = await agents.send(new InvokeAgentCommand({ ...alias, inputText: 'Hi' }));
    await expect(Array.fromAsync(completion ?? [])).rejects.toBeInstanceOf(BadGatewayException);
  });

  it('InvokeInlineAgent', async () => {
    const { completion } = await agents.send(
      new InvokeInlineAgentCommand({
        sessionId: 's',
        foundationModel: modelId,
        instruction: 'Be brief.',
        inputText: 'Hi',
      }),
    );
    expect(await Array.fromAsync(completion ?? [])).not.toHaveLength(0);
    received('bedrock-agent-runtime', 'InvokeInlineAgent');
  });

  it('InvokeFlow, StartFlowExecution', async () => {
    const { responseStream, executionId } = await agents.send(new InvokeFlowCommand(flow));
    const events = await Array.fromAsync(responseStream ?? []);
    expect(events.at(-1)?.flowCompletionEvent?.completionReason).toBe('SUCCESS');
    expect(executionId).toBe('run-1');
    received('bedrock-agent-runtime', 'InvokeFlow');
    chain.services['bedrock-agent-runtime'].reset();
    await agents.send(new StartFlowExecutionCommand(flow));
    received('bedrock-agent-runtime', 'StartFlowExecution');
  });

  it.each([
    [new CreateSessionCommand({}), 201, '/sessions/'],
    [new ListSessionsCommand({ maxResults: 5 }), 200, '/sessions/?maxResults=5'],
    [new GetSessionCommand({ sessionIdentifier: 's' }), 200, '/sessions/s/'],
    [new EndSessionCommand({ sessionIdentifier: 's' }), 200, '/sessions/s'],
    [new DeleteSessionCommand({ sessionIdentifier: 's' }), 200, '/sessions/s/'],
    [
      new PutInvocationStepCommand({
        sessionIdentifier: 's',
        invocationIdentifier: 'i',
        invocationStepTime: new Date(0),
        payload: { contentBlocks: [{ text: 'Hi' }] },
      }),
      201,
      '/sessions/s/invocationSteps/',
    ],
    [
      new GetAgentMemoryCommand({ ...alias, memoryType: 'SESSION_SUMMARY', memoryId: 'm' }),
      200,
      '/agents/AGENT12345/agentAliases/ALIAS12345/memories?memoryId=m&memoryType=SESSION_SUMMARY',
    ],
  ])('%o: %i, %s', async (command, status, target) => {
    const { $metadata } = await agents.send(command as CreateSessionCommand);
    expect($metadata.httpStatusCode).toBe(status);
    expect(received('bedrock-agent-runtime', command.constructor.name.replace('Command', ''))?.target).toBe(target);
  });
});

describe('agentcore', () => {
  const session = 'runtime-session-0123456789-abcdefghij';

  it('InvokeAgentRuntime, in any content type, with session headers both ways', async () => {
    const bytes = Buffer.from([0, 255, 128, 13, 10, 0, 192, 193]);
    const answer = await core.send(
      new InvokeAgentRuntimeCommand({
        agentRuntimeArn: RUNTIME,
        qualifier: 'DEFAULT',
        runtimeSessionId: session,
        contentType: 'application/x-agent',
        payload: bytes,
      }),
    );
    expect(Buffer.from((await answer.response?.transformToByteArray()) ?? [])).toStrictEqual(bytes);
    expect([answer.contentType, answer.runtimeSessionId]).toStrictEqual(['application/x-agent', session]);
    const request = received('bedrock-agentcore', 'InvokeAgentRuntime');
    expect(request?.target).toBe(`/runtimes/${encodeURIComponent(RUNTIME)}/invocations?qualifier=DEFAULT`);
    const record = await nextRecord(chain.host, ({ operation }) => operation === 'InvokeAgentRuntime');
    expect(record).toMatchObject({ operationGroup: 'agentcore', usageUnknown: 'not told by this operation' });
  });

  it('the headers of the Model Context Protocol go both ways, and its answer is a stream of events', async () => {
    const answer = await core.send(
      new InvokeAgentRuntimeCommand({
        agentRuntimeArn: RUNTIME,
        accept: 'application/json, text/event-stream',
        contentType: 'application/json',
        mcpSessionId: 'mcp-1',
        mcpProtocolVersion: '2025-06-18',
        payload: Buffer.from('{"jsonrpc":"2.0","id":1,"method":"ping"}'),
      }),
    );
    expect(await answer.response?.transformToString()).toBe('data: {"jsonrpc":"2.0","id":1,"method":"ping"}\n\n');
    expect([answer.contentType, answer.mcpSessionId]).toStrictEqual(['text/event-stream', 'mcp-1']);
    const request = received('bedrock-agentcore', 'InvokeAgentRuntime');
    expect(request?.headers).toMatchObject({ 'mcp-session-id': 'mcp-1', 'mcp-protocol-version': '2025-06-18' });
    expect(request?.signedHeaders).toContain('mcp-session-id');
  });

  it('a stream that breaks is told of, and broken', async () => {
    const event = Buffer.from('data: {"jsonrpc":"2.0"}\n\n');
    chain.services['bedrock-agentcore'].answer(
      cutAt(event.length + 5, () => streamed([event, event], SERVER_SENT_EVENTS)),
    );
    const answer = await ask(chain, `/agentcore/runtimes/${encodeURIComponent(RUNTIME)}/invocations`, { body: '{}' });
    expect(answer.complete).toBe(false);
    expect(String(answer.body)).toMatch(/^data: \{"jsonrpc":"2.0"\}\n\nevent: error\ndata: \{"error":/);
    expect(await recordOf(chain, answer)).toMatchObject({ outcome: 'upstreamBroke', errorSource: 'bedrock' });
  });

  it('no header of MCP goes to another service', async () => {
    await ask(chain, `/model/${encodeURIComponent(modelId)}/converse`, { headers: { 'mcp-session-id': 'mcp-1' } });
    expect(chain.bedrock.requests[0]).toMatchObject({ verified: true });
    expect(chain.bedrock.requests[0]?.headers).not.toHaveProperty('mcp-session-id');
  });
});

describe('mantle', () => {
  const openai = (base: string) =>
    new OpenAI({ baseURL: `${chain.gateway.url}/mantle${base}`, apiKey: chain.gateway.subscriptionKey, maxRetries: 0 });
  const model = openAiModel;

  it.each(['/v1', '/openai/v1'])('clients of OpenAI on %s', async (base) => {
    const client = openai(base);
    const chat = await client.chat.completions.create({ model, messages: [{ role: 'user', content: 'Hi' }] });
    expect(chat.choices[0]?.message.content).toBe(TEXT);
    expect(received('bedrock-mantle', 'ChatCompletions')?.target).toBe(`${base}/chat/completions`);
    const record = await nextRecord(
      chain.host,
      ({ operationGroup, operation }) => operationGroup === 'mantle' && operation === 'ChatCompletions',
    );
    expect(record).toMatchObject({ modelId: model, usageSource: 'body', totalTokens: chat.usage?.total_tokens });

    const response = await client.responses.create({ model, input: 'Hi' });
    expect(response.output_text).toBe(TEXT);
    expect((await client.responses.retrieve(response.id)).id).toBe(response.id);
    await client.responses.cancel(response.id);
    await client.responses.delete(response.id);
    expect((await client.models.list()).data).toHaveLength(1);
    const { requests } = chain.services['bedrock-mantle'];
    expect(requests.map(({ operation }) => operation)).toStrictEqual([
      'ChatCompletions',
      'Responses',
      'GetResponse',
      'CancelResponse',
      'DeleteResponse',
      'ListModels',
    ]);
    expect(requests.every(({ verified, target }) => verified && target.startsWith(`${base}/`))).toBe(true);
  });

  it('a stream', async () => {
    const stream = await openai('/v1').responses.create({ model, input: 'Hi', stream: true });
    const events = await Array.fromAsync(stream);
    expect(events.at(-1)?.type).toBe('response.completed');
  });

  it("Anthropic's client of mantle", async () => {
    const client = new AnthropicBedrockMantle({
      baseURL: `${chain.gateway.url}/mantle/anthropic`,
      awsRegion: 'us-east-1',
      apiKey: chain.gateway.subscriptionKey,
      defaultHeaders: { 'api-key': chain.gateway.subscriptionKey },
      maxRetries: 0,
    });
    const answer = await client.messages.create({
      model: modelId,
      max_tokens: 50,
      messages: [{ role: 'user', content: 'Hi' }],
    });
    expect(answer.content[0]).toMatchObject({ type: 'text' });
    expect(received('bedrock-mantle', 'Messages')?.target).toBe('/anthropic/v1/messages');
  });

  it('errors of our own have the form of the route', async () => {
    const answer = await ask(chain, '/mantle/v1/embeddings', { body: '{}' });
    expect(answer.status).toBe(404);
    expect(JSON.parse(String(answer.body))).toMatchObject({ error: { type: 'invalid_request_error' } });
  });
});

describe('raw HTTP', () => {
  const rows = SERVICES.filter(({ hostPrefix }) => hostPrefix !== 'bedrock-runtime').flatMap((service) =>
    service.operations.map((operation) => ({
      service,
      operation,
      path: `${service.prefix ?? ''}${operation.template}`,
    })),
  );
  const bodies: Record<string, object> = {
    ChatCompletions: { model: openAiModel, messages: [{ role: 'user', content: 'Hi' }] },
    Responses: { model: openAiModel, input: 'Hi' },
    Messages: { model: modelId, max_tokens: 9, messages: [{ role: 'user', content: 'Hi' }] },
    CountMessageTokens: { model: modelId, messages: [{ role: 'user', content: 'Hi' }] },
  };

  it.each(rows)('$operation.method $path: every row reaches its service, and its status goes back', async (row) => {
    const { service, operation } = row;
    const name = service.hostPrefix as Exclude<ServiceName, 'bedrock-runtime'>;
    const model = MODELS[name]?.find((each) => each.name === operation.name);
    const path = row.path.replaceAll(/\{\w+\}/g, 'abc123');
    const required = Object.fromEntries((model?.required ?? []).map((member) => [member, []]));
    const hasBody = operation.method !== 'GET' && operation.method !== 'DELETE';
    const answer = await ask(chain, path, {
      method: operation.method,
      body: hasBody ? (bodies[operation.name] ?? required) : null,
    });
    expect(answer.status).toBe(model?.status ?? 200);
    expect(answer.complete).toBe(true);
    expect(received(name, operation.name)?.target).toBe(path.slice(service.prefix?.length ?? 0));
  });
});
