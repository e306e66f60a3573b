import { MODELS } from '../../support/aws-models.ts';
import type { AnswerSource } from './answer.ts';
import { defaultAnswer } from './answers.ts';
import { matchMantle } from './mantle.ts';
import { answerModelled, matchModelled } from './modelled.ts';
import { type Matched, matchOperation } from './operations.ts';
import type { RawRequest } from './sigv4-canonical.ts';

/** Services of AWS by what their addresses begin with. */
export type ServiceName =
  | 'bedrock-runtime'
  | 'bedrock'
  | 'bedrock-agent-runtime'
  | 'bedrock-agentcore'
  | 'bedrock-mantle';

/** What one service takes and answers. */
export interface EmulatedService {
  readonly signingName: string;
  /** What headers beside AWS's own begin with that it takes. */
  readonly headers?: string;
  /** @throws AwsError for what is no operation of it */
  match(request: RawRequest): Matched;
  readonly answer: AnswerSource;
}

/** A service that is nothing but what AWS's own client says of it. */
function modelled(name: ServiceName, signingName: string): EmulatedService {
  const operations = MODELS[name] ?? [];
  return {
    signingName,
    match: (request) => matchModelled(operations, request),
    answer: (request) => answerModelled(operations, request),
  };
}

export const SERVICES: Readonly<Record<ServiceName, EmulatedService>> = {
  'bedrock-runtime': { signingName: 'bedrock', match: matchOperation, answer: defaultAnswer },
  bedrock: modelled('bedrock', 'bedrock'),
  'bedrock-agent-runtime': modelled('bedrock-agent-runtime', 'bedrock'),
  'bedrock-agentcore': { ...modelled('bedrock-agentcore', 'bedrock-agentcore'), headers: 'mcp-' },
  'bedrock-mantle': { signingName: 'bedrock-mantle', match: matchMantle, answer: defaultAnswer },
};
