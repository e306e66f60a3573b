import { describe, expect, it } from 'vitest';

import { findNestedModel, readNestedModels } from '../../../src/bedrock/nested-models.ts';
import { RETRIEVAL } from '../../../src/bedrock/retrieval.ts';

const GENERATES = 'arn:aws:bedrock:us-east-1::foundation-model/amazon.nova-lite-v1:0';
const RANKS = 'arn:aws:bedrock:us-east-1::foundation-model/amazon.rerank-v1:0';

function ofRow(name: string) {
  const models = RETRIEVAL.find((row) => row.name === name)?.nestedModels;
  if (models === undefined) throw new Error(`${name} names no models.`);
  return models;
}

function read(name: string, body: object | string): readonly string[] {
  return readNestedModels(Buffer.from(typeof body === 'string' ? body : JSON.stringify(body)), ofRow(name));
}

const reranking = {
  rerankingConfiguration: {
    type: 'BEDROCK_RERANKING_MODEL',
    bedrockRerankingConfiguration: { modelConfiguration: { modelArn: RANKS } },
  },
};
const agentic = (type: string | undefined, modelArn: string | undefined) => ({
  agenticRetrieveConfiguration: {
    ...(type === undefined ? {} : { foundationModelType: type }),
    foundationModelConfiguration: {
      bedrockFoundationModelConfiguration: { modelConfiguration: modelArn === undefined ? {} : { modelArn } },
    },
    ...reranking,
  },
});

describe('the models of a retrieval', () => {
  it.each([
    ['Retrieve', { retrievalQuery: { text: 'modelArn' } }, []],
    ['Retrieve', { retrievalConfiguration: { vectorSearchConfiguration: reranking } }, [RANKS]],
    ['Rerank', { queries: [], ...reranking }, [RANKS]],
    [
      'RetrieveAndGenerate',
      {
        retrieveAndGenerateConfiguration: {
          knowledgeBaseConfiguration: {
            modelArn: GENERATES,
            retrievalConfiguration: { managedSearchConfiguration: reranking },
          },
        },
      },
      [GENERATES, RANKS],
    ],
    ['RetrieveAndGenerateStream', { externalSourcesConfiguration: { modelArn: GENERATES } }, [GENERATES]],
    ['AgenticRetrieveStream', agentic('CUSTOM', GENERATES), [GENERATES, RANKS]],
  ])('%s %j', (name, body, models) => {
    expect(read(name, body)).toStrictEqual(models);
  });

  it('are all read where one stands there twice', () => {
    expect(read('Rerank', `{"modelArn":"${GENERATES}","modelArn":"${RANKS}"}`)).toStrictEqual([GENERATES, RANKS]);
  });

  it.each([
    ['Rerank', {}, 'accessDenied'],
    ['RetrieveAndGenerate', { input: { text: 'modelArn' } }, 'accessDenied'],
    ['AgenticRetrieveStream', agentic('MANAGED', GENERATES), 'accessDenied'],
    ['AgenticRetrieveStream', agentic(undefined, GENERATES), 'accessDenied'],
    ['AgenticRetrieveStream', `{"foundationModelType":"CUSTOM","foundationModelType":"MANAGED"}`, 'accessDenied'],
    ['Rerank', { modelArn: 1 }, 'invalidRequest'],
    ['Rerank', { modelArn: { modelArn: RANKS } }, 'invalidRequest'],
    ['Rerank', `{"modelArn":"${RANKS}"}, {}`, 'invalidRequest'],
    ['Rerank', '[]', 'invalidRequest'],
    ['Retrieve', 'modelArn', 'invalidRequest'],
  ])('%s %j is refused: %s', (name, body, failure) => {
    expect(() => read(name, body)).toThrow(expect.objectContaining({ failure }));
  });
});

describe('the model for the record', () => {
  const found = (body: object) => findNestedModel(Buffer.from(JSON.stringify(body)), ofRow('RetrieveAndGenerate'));

  it.each([
    [{ a: { modelArn: RANKS } }, RANKS],
    [{ a: { modelArn: RANKS }, modelArn: RANKS }, RANKS],
    [{ a: { modelArn: RANKS }, modelArn: GENERATES }, undefined],
    [{ modelArn: 'no model' }, undefined],
    [{ modelArn: 5 }, undefined],
    [{}, undefined],
  ])('%j', (body, model) => {
    expect(found(body)).toBe(model);
  });
});
