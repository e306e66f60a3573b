import { geographyOf } from '../bedrock/model-id.ts';

/**
 * Areas, by what their regions' names begin with, in which a profile of a geography may be called. The longest one has no
 * list: `global` works everywhere, and of a geography that is not known here nothing is excluded.
 */
const CALLED_FROM: Readonly<Record<string, readonly string[]>> = {
  us: ['us'],
  'us-gov': ['us-gov'],
  eu: ['eu'],
  apac: ['ap'],
  jp: ['ap'],
  au: ['ap'],
};

/** Areas of which it is known what they do not have. Canada, for instance, has some profiles of the United States. */
const KNOWN = new Set(Object.values(CALLED_FROM).flat());

/**
 * Whether a region may have a model. False only for a profile over several regions, such as `eu.anthropic…`, and a region
 * of another part of the world: AWS has such a profile in the regions of its own geography alone.
 */
export function mayHave(modelId: string, region: string): boolean {
  const areas = CALLED_FROM[geographyOf(modelId) ?? ''];
  const area = /^(?:us-gov|[a-z]+)(?=-)/.exec(region)?.[0] ?? '';
  return areas === undefined || areas.includes(area) || !KNOWN.has(area);
}
