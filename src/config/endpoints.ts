import { type EndpointOptions, originOf, partitionOf } from '../aws/endpoint.ts';
import { RUNTIME } from '../bedrock/runtime.ts';
import type { Service } from '../bedrock/service.ts';
import { SERVICES } from '../bedrock/services.ts';
import type { Reader } from './reader.ts';
import { type SettingName, SETTINGS } from './settings.ts';

/** Name of the setting that replaces the address of a service, as the AWS SDKs call it. */
export function endpointSetting({ hostPrefix }: Service): SettingName | undefined {
  const name = `AWS_ENDPOINT_URL_${hostPrefix.replaceAll('-', '_').toUpperCase()}`;
  return SETTINGS.find((setting) => setting === name);
}

export interface Endpoints {
  /** Regions of the app: that of its roles and of the calls for which nothing else is said, then the further ones in order. */
  readonly regions: readonly [string, ...string[]];
  readonly endpoints: EndpointOptions;
}

/** The regions, and where services are called in them. */
export function readEndpoints(read: Reader, problems: string[]): Endpoints {
  const region = read.required('AWS_REGION', '');
  const further = read.list('AWS_REGIONS');
  const overrides: Record<string, string> = {};
  for (const service of SERVICES) {
    const name = endpointSetting(service);
    const origin = name === undefined ? undefined : read.origin(name);
    if (origin !== undefined) overrides[service.hostPrefix] = origin;
  }
  const endpoints = { useFips: read.flag('AWS_USE_FIPS_ENDPOINT'), overrides };
  if (region !== '') {
    const problem = problemOf([region], endpoints);
    if (problem !== undefined) problems.push(`AWS_REGION ${problem}`);
  }
  const problem = problemOf(further, endpoints);
  if (problem !== undefined) problems.push(`AWS_REGIONS ${problem}`);
  else if (further.some((one) => partitionOf(one) !== partitionOf(region))) {
    problems.push('AWS_REGIONS must be of the partition of AWS_REGION, outside of which its keys are not good');
  }
  return { regions: [region, ...new Set(further.filter((one) => one !== region))], endpoints };
}

function problemOf(regions: readonly string[], endpoints: EndpointOptions): string | undefined {
  if (!regions.every((region) => /^[a-z]{2,4}(-[a-z]+)+-\d+$/.test(region))) {
    return 'must hold names of regions (such as eu-central-1)';
  }
  if (regions.every((region) => originOf(RUNTIME.hostPrefix, region, endpoints) !== undefined)) return undefined;
  return 'is unknown (for a new region, set AWS_ENDPOINT_URL_BEDROCK_RUNTIME too)';
}
