import {
  ApplyGuardrailCommand,
  ConverseCommand,
  ConverseStreamCommand,
  CountTokensCommand,
  GetAsyncInvokeCommand,
  InvokeGuardrailChecksCommand,
  InvokeModelCommand,
  InvokeModelWithResponseStreamCommand,
  ListAsyncInvokesCommand,
  StartAsyncInvokeCommand,
} from '@aws-sdk/client-bedrock-runtime';

import type { Clients } from './gateway-clients.ts';
import { modelId } from './models.ts';

/** A guardrail as a client names it. */
export interface NamedGuardrail {
  readonly identifier: string;
  readonly version: string;
  readonly trace?: 'enabled';
}

/** What may be different from call to call. */
export interface CallFacts {
  readonly prompt?: string;
  readonly model?: string;
  /** The guardrail that the client names by itself. */
  readonly guardrail?: NamedGuardrail | undefined;
}

const ASYNC_INVOKE = 'arn:aws:bedrock:us-east-1:123456789012:async-invoke/abcdef012345';
const OUTPUT = { s3OutputDataConfig: { s3Uri: 's3://amzn-s3-demo-bucket/videos' } };

/** Every operation by AWS's, OpenAI's and Anthropic's own clients; the texts of an answer, or all of it as JSON. */
export const OPERATION_CALLS: Readonly<Record<string, (clients: Clients, facts: CallFacts) => Promise<string>>> = {
  async Converse({ aws }, facts) {
    return JSON.stringify(await aws.send(new ConverseCommand({ ...conversation(facts), ...guardrailConfig(facts) })));
  },
  async ConverseStream({ aws }, facts) {
    const { stream } = await aws.send(new ConverseStreamCommand({ ...conversation(facts), ...guardrailConfig(facts) }));
    return JSON.stringify(await Array.fromAsync(stream ?? []));
  },
  async InvokeModel({ aws }, facts) {
    const { body } = await aws.send(new InvokeModelCommand({ ...invocation(facts), ...named(facts) }));
    return Buffer.from(body).toString();
  },
  async InvokeModelWithResponseStream({ aws }, facts) {
    const command = new InvokeModelWithResponseStreamCommand({ ...invocation(facts), ...named(facts) });
    const events = await Array.fromAsync((await aws.send(command)).body ?? []);
    return events.map(({ chunk }) => Buffer.from(chunk?.bytes ?? []).toString()).join('\n');
  },
  async CountTokens({ aws }, facts) {
    const { modelId: model, messages } = conversation(facts);
    return JSON.stringify(
      await aws.send(new CountTokensCommand({ modelId: model, input: { converse: { messages } } })),
    );
  },
  async ApplyGuardrail({ aws }, { prompt = 'Hi', guardrail = { identifier: 'gr8other', version: '1' } }) {
    return JSON.stringify(
      await aws.send(
        new ApplyGuardrailCommand({
          guardrailIdentifier: guardrail.identifier,
          guardrailVersion: guardrail.version,
          source: 'INPUT',
          content: [{ text: { text: prompt } }],
        }),
      ),
    );
  },
  async InvokeGuardrailChecks({ aws }, { prompt = 'Hi' }) {
    const messages = [{ role: 'user' as const, content: [{ text: prompt }] }];
    const checks = { contentFilter: { categories: [{ category: 'HATE' as const }] } };
    return JSON.stringify(await aws.send(new InvokeGuardrailChecksCommand({ messages, checks })));
  },
  async StartAsyncInvoke({ aws }, { model = modelId }) {
    const command = new StartAsyncInvokeCommand({ modelId: model, modelInput: {}, outputDataConfig: OUTPUT });
    return JSON.stringify(await aws.send(command));
  },
  async GetAsyncInvoke({ aws }) {
    return JSON.stringify(await aws.send(new GetAsyncInvokeCommand({ invocationArn: ASYNC_INVOKE })));
  },
  async ListAsyncInvokes({ aws }) {
    return JSON.stringify(await aws.send(new ListAsyncInvokesCommand({})));
  },
  async ChatCompletions({ openai }, facts) {
    const { messages, model } = chat(facts);
    const answer = await openai.chat.completions.create({ model, messages }, { headers: headersOf(facts) });
    return JSON.stringify(answer);
  },
  async 'ChatCompletions, streamed'({ openai }, facts) {
    const { messages, model } = chat(facts);
    const request = { model, messages, stream: true } as const;
    const chunks = await openai.chat.completions.create(request, { headers: headersOf(facts) });
    return JSON.stringify(await Array.fromAsync(chunks));
  },
  async Responses({ openai }, facts) {
    const { prompt = 'Hi', model = modelId } = facts;
    return JSON.stringify(await openai.responses.create({ model, input: prompt }, { headers: headersOf(facts) }));
  },
  async GetResponse({ openai }) {
    return JSON.stringify(await openai.responses.retrieve('resp_0123456789abcdef'));
  },
  async DeleteResponse({ openai }) {
    return JSON.stringify(await openai.responses.delete('resp_0123456789abcdef'));
  },
  async CancelResponse({ openai }) {
    return JSON.stringify(await openai.responses.cancel('resp_0123456789abcdef'));
  },
  async Messages({ anthropic }, facts) {
    const request = { ...chat(facts), max_tokens: 9 };
    return JSON.stringify(await anthropic.messages.create(request, { headers: headersOf(facts) }));
  },
  async 'Messages, streamed'({ anthropic }, facts) {
    const request = { ...chat(facts), max_tokens: 9, stream: true } as const;
    return JSON.stringify(
      await Array.fromAsync(await anthropic.messages.create(request, { headers: headersOf(facts) })),
    );
  },
  async CountMessageTokens({ anthropic }, facts) {
    return JSON.stringify(await anthropic.messages.countTokens(chat(facts), { headers: headersOf(facts) }));
  },
};

function conversation({ prompt = 'Hi', model = modelId }: CallFacts) {
  return { modelId: model, messages: [{ role: 'user' as const, content: [{ text: prompt }] }] };
}

function chat({ prompt = 'Hi', model = modelId }: CallFacts) {
  return { model, messages: [{ role: 'user' as const, content: prompt }] };
}

function invocation({ prompt = 'Hi', model = modelId }: CallFacts) {
  const body = {
    anthropic_version: 'bedrock-2023-05-31',
    max_tokens: 9,
    messages: [{ role: 'user', content: prompt }],
  };
  return { modelId: model, contentType: 'application/json', body: JSON.stringify(body) };
}

function guardrailConfig({ guardrail }: CallFacts) {
  if (guardrail === undefined) return {};
  const { identifier, version, trace } = guardrail;
  return {
    guardrailConfig: { guardrailIdentifier: identifier, guardrailVersion: version, ...(trace && { trace }) },
  };
}

/** As the AWS SDK names a guardrail for an invoked model. */
function named({ guardrail }: CallFacts) {
  if (guardrail === undefined) return {};
  const { identifier, version, trace } = guardrail;
  return {
    guardrailIdentifier: identifier,
    guardrailVersion: version,
    ...(trace && { trace: 'ENABLED' as const }),
  };
}

function headersOf({ guardrail }: CallFacts): Record<string, string> {
  if (guardrail === undefined) return {};
  return {
    'X-Amzn-Bedrock-GuardrailIdentifier': guardrail.identifier,
    'X-Amzn-Bedrock-GuardrailVersion': guardrail.version,
    ...(guardrail.trace && { 'X-Amzn-Bedrock-Trace': 'ENABLED' }),
  };
}
