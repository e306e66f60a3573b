import { type EndpointOptions, originOf } from '../aws/endpoint.ts';
import { RUNTIME } from '../bedrock/runtime.ts';
import type { Reader, SettingName } from './settings.ts';

/** The setting that replaces the address of a service, by what that begins with. */
const OVERRIDES = {
  [RUNTIME.hostPrefix]: 'AWS_ENDPOINT_URL_BEDROCK_RUNTIME',
} satisfies Record<string, SettingName>;

/** The region, and where services are called in it. */
export function readEndpoints(read: Reader, problems: string[]): { region: string; endpoints: EndpointOptions } {
  const region = read.required('AWS_REGION', '');
  const overrides: Record<string, string> = {};
  for (const [hostPrefix, name] of Object.entries(OVERRIDES)) {
    const origin = read.origin(name);
    if (origin !== undefined) overrides[hostPrefix] = origin;
  }
  const endpoints = { useFips: read.flag('AWS_USE_FIPS_ENDPOINT'), overrides };
  if (region === '') return { region, endpoints };
  if (!/^[a-z]{2,4}(-[a-z]+)+-\d+$/.test(region)) {
    problems.push('AWS_REGION is not the name of a region (such as eu-central-1)');
  } else if (originOf(RUNTIME.hostPrefix, region, endpoints) === undefined) {
    problems.push('AWS_REGION is unknown (for a new region, set AWS_ENDPOINT_URL_BEDROCK_RUNTIME too)');
  }
  return { region, endpoints };
}
