import type { Service } from './service.ts';

/**
 * What tools read of Bedrock's control plane to learn which models there are: seven of its 108 operations. None writes,
 * and none tells what anybody has asked a model.
 */
export const CONTROL_PLANE: Service = {
  hostPrefix: 'bedrock',
  signingName: 'bedrock',
  operations: [
    {
      name: 'ListFoundationModels',
      group: 'discovery',
      guardrail: 'needless',
      method: 'GET',
      template: '/foundation-models',
      query: ['byProvider', 'byCustomizationType', 'byOutputModality', 'byInferenceType'],
    },
    {
      name: 'GetFoundationModel',
      group: 'discovery',
      guardrail: 'needless',
      method: 'GET',
      template: '/foundation-models/{modelIdentifier}',
    },
    {
      name: 'GetFoundationModelAvailability',
      group: 'discovery',
      guardrail: 'needless',
      method: 'GET',
      // AWS calls it modelId, which here is a model that works, and is paid.
      template: '/foundation-model-availability/{modelIdentifier}',
    },
    {
      name: 'ListInferenceProfiles',
      group: 'discovery',
      guardrail: 'needless',
      method: 'GET',
      template: '/inference-profiles',
      query: ['maxResults', 'nextToken', 'type'],
    },
    {
      name: 'GetInferenceProfile',
      group: 'discovery',
      guardrail: 'needless',
      method: 'GET',
      template: '/inference-profiles/{inferenceProfileIdentifier}',
    },
    {
      name: 'ListProvisionedModelThroughputs',
      group: 'discovery',
      guardrail: 'needless',
      method: 'GET',
      template: '/provisioned-model-throughputs',
      query: [
        'creationTimeAfter',
        'creationTimeBefore',
        'statusEquals',
        'modelArnEquals',
        'nameContains',
        'maxResults',
        'nextToken',
        'sortBy',
        'sortOrder',
      ],
    },
    {
      name: 'GetProvisionedModelThroughput',
      group: 'discovery',
      guardrail: 'needless',
      method: 'GET',
      template: '/provisioned-model-throughput/{provisionedModelId}',
    },
  ],
};
