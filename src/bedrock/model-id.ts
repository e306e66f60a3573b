/** What an identifier tells of its model, without asking AWS. What it does not tell is absent. */
export interface ModelFacts {
  /** Resource type as ARNs name it, for instance `foundation-model` or `inference-profile`. */
  readonly modelType?: string;
  /** Id of the foundation model behind it. */
  readonly foundationModelId?: string;
}

/**
 * Resource types that can stand in the place of a model (InvokeModel's `modelId` in Bedrock's API model). All but the
 * first three are opaque: which model is behind them, only a call to AWS tells.
 */
const TYPES = new Set([
  'foundation-model',
  'inference-profile',
  'custom-model',
  'application-inference-profile',
  'custom-model-deployment',
  'default-prompt-router',
  'endpoint',
  'imported-model',
  'prompt',
  'prompt-router',
  'provisioned-model',
]);

const ARN = /^arn:[a-z-]+:(?:bedrock|sagemaker):[a-z0-9-]*:\d*:([a-z-]+)\/(.+)$/;

/** `provider.model`. */
const FOUNDATION_MODEL = /^[a-z0-9-]+\.[A-Za-z0-9.:-]+$/;

/**
 * A system-defined inference profile is named after its model, with the geography in front: `us`, `eu`, `jp`, `apac`,
 * `us-gov`, `global`. No provider has a name of two letters.
 */
const GEOGRAPHY = /^(?:[a-z]{2}|us-gov|apac|global)\.(?=[a-z0-9-]+\.)/;

/**
 * The geography of a profile over several regions, for instance `eu` or `global`.
 *
 * @param modelId id or ARN, decoded; undefined for what is no such profile
 */
export function geographyOf(modelId: string): string | undefined {
  const [, type, name = ''] = ARN.exec(modelId) ?? [];
  return GEOGRAPHY.exec(type === 'inference-profile' ? name : modelId)?.[0].slice(0, -1);
}

/** The region of an ARN of any service; undefined for what is no ARN, or one of no region. */
export function arnRegion(text: string): string | undefined {
  return /^arn:[a-z-]+:[a-z0-9-]+:([a-z0-9-]+):/.exec(text)?.[1];
}

/** Bedrock's own limit for the identifier of a model. */
const LONGEST_ID = 2048;

/** True for what can be an id or ARN: nothing else goes into a record, where a caller could put any text otherwise. */
export function isModelId(text: string): boolean {
  return text.length <= LONGEST_ID && /^[A-Za-z0-9._:/-]+$/.test(text);
}

/**
 * True for what can be an id or ARN and is nothing else to anybody on the way: it has none of `%`, `?`, `#`, a backslash, a
 * control or non-ASCII character, and no empty or dot segment.
 */
export function isIdentifier(text: string): boolean {
  return isModelId(text) && !text.split('/').some((part) => /^\.{0,2}$/.test(part));
}

/** @param modelId id or ARN, decoded */
export function modelFacts(modelId: string): ModelFacts {
  const [, type, name = ''] = ARN.exec(modelId) ?? [];
  switch (type) {
    case undefined:
      if (!FOUNDATION_MODEL.test(modelId)) return {};
      return GEOGRAPHY.test(modelId)
        ? { modelType: 'inference-profile', foundationModelId: modelId.replace(GEOGRAPHY, '') }
        : { modelType: 'foundation-model', foundationModelId: modelId };
    case 'foundation-model':
      return { modelType: type, foundationModelId: name };
    case 'inference-profile':
      return { modelType: type, ...(GEOGRAPHY.test(name) && { foundationModelId: name.replace(GEOGRAPHY, '') }) };
    case 'custom-model':
      return { modelType: type, ...(name.includes('/') && { foundationModelId: name.slice(0, name.indexOf('/')) }) };
    default:
      return TYPES.has(type) ? { modelType: type } : {};
  }
}
