import { AGENTS } from './agents.ts';
import { RETRIEVAL } from './retrieval.ts';
import type { Service } from './service.ts';

/** Knowledge bases, reranking and agents, in two groups. Its paths share no first segment with those of the runtime. */
export const AGENT_RUNTIME: Service = {
  hostPrefix: 'bedrock-agent-runtime',
  signingName: 'bedrock',
  operations: [...RETRIEVAL, ...AGENTS],
};
