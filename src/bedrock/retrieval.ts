import type { Operation } from './service.ts';

/** The service ended an event stream by something behind it: all of its streams model this one. */
const streamException = 'badGatewayException';

/**
 * What asks a knowledge base, ranks documents or writes a query. Nothing is kept of it, but for the session of
 * RetrieveAndGenerate; no answer tells tokens.
 */
export const RETRIEVAL: readonly Operation[] = [
  {
    name: 'Retrieve',
    group: 'retrieval',
    guardrail: 'needless',
    method: 'POST',
    template: '/knowledgebases/{knowledgeBaseId}/retrieve',
    metering: 'untold',
    // The model that makes vectors of the query belongs to the knowledge base.
    nestedModels: { members: ['modelArn'], optional: true },
  },
  {
    name: 'RetrieveAndGenerate',
    group: 'retrieval',
    guardrail: 'impossible',
    method: 'POST',
    template: '/retrieveAndGenerate',
    metering: 'untold',
    nestedModels: { members: ['modelArn'] },
  },
  {
    name: 'RetrieveAndGenerateStream',
    group: 'retrieval',
    guardrail: 'impossible',
    method: 'POST',
    template: '/retrieveAndGenerateStream',
    metering: 'untold',
    nestedModels: { members: ['modelArn'] },
    streamException,
  },
  {
    name: 'AgenticRetrieveStream',
    group: 'retrieval',
    guardrail: 'impossible',
    method: 'POST',
    template: '/agenticRetrieveStream',
    metering: 'untold',
    nestedModels: { members: ['modelArn'], custom: 'foundationModelType' },
    streamException,
  },
  {
    name: 'Rerank',
    group: 'retrieval',
    guardrail: 'needless',
    method: 'POST',
    template: '/rerank',
    metering: 'untold',
    nestedModels: { members: ['modelArn'] },
  },
  {
    name: 'GenerateQuery',
    group: 'retrieval',
    guardrail: 'impossible',
    method: 'POST',
    template: '/generateQuery',
    metering: 'untold',
    hiddenModel: true,
  },
  {
    name: 'OptimizePrompt',
    group: 'retrieval',
    guardrail: 'impossible',
    method: 'POST',
    template: '/optimize-prompt',
    metering: 'untold',
    // The model that it names is the one that the prompt is for.
    hiddenModel: true,
    streamException,
  },
];
