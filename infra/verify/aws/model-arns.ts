import { geographyOf, modelFacts } from '../../../src/bedrock/model-id.ts';
import { modelArn } from '../model.ts';

/** The ARN of the foundation model behind an id, in one region. */
export function foundationModelOf(modelId: string, region: string): string {
  return modelArn(modelFacts(modelId).foundationModelId ?? modelId, region);
}

/**
 * What IAM is asked about when a model is called: the model; of a profile over several regions the profile as well.
 *
 * @param principal ARN of who calls, whose account has the profile
 */
export function modelArns(modelId: string, region: string, principal: string): string[] {
  if (modelId.startsWith('arn:')) return [modelId];
  const model = foundationModelOf(modelId, region);
  if (geographyOf(modelId) === undefined) return [model];
  const [, partition, , , account] = principal.split(':');
  return [`arn:${partition}:bedrock:${region}:${account}:inference-profile/${modelId}`, model];
}
