import { modelFacts } from '../../src/bedrock/model-id.ts';

/** Small, cheap, Amazon's own (no form, no marketplace), and to be had in most regions by its name or a profile of it. */
const MODEL = 'amazon.nova-lite-v1:0';

/** Geographies whose inference profiles name regions that do not offer the model by itself. */
const PROFILES: readonly (readonly [region: RegExp, geography: string])[] = [
  [/^eu-/, 'eu'],
  [/^us-gov-/, 'us-gov'],
  [/^(us|ca)-/, 'us'],
  [/^ap-/, 'apac'],
];

/** The model for the calls where none is named. @param region undefined where it is not known */
export function defaultModel(region: string | undefined): string {
  const geography = PROFILES.find(([pattern]) => pattern.test(region ?? ''))?.[1];
  return geography === undefined ? MODEL : `${geography}.${MODEL}`;
}

/**
 * An ARN of the same model, with a slash, which is what is hard on the way: that of its foundation model, for it needs no
 * account.
 */
export function modelArn(modelId: string, region = 'us-east-1'): string {
  if (modelId.startsWith('arn:')) return modelId;
  const partition = region.startsWith('us-gov-') ? 'aws-us-gov' : region.startsWith('cn-') ? 'aws-cn' : 'aws';
  return `arn:${partition}:bedrock:${region}::foundation-model/${modelFacts(modelId).foundationModelId ?? MODEL}`;
}

/** Asks a model, in the encoding that AWS SDKs use. */
export function modelQuestion(modelId: string, operation: string): { path: string; modelId: string } {
  return { path: `/model/${encodeURIComponent(modelId)}/${operation}`, modelId };
}
