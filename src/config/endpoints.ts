import { type EndpointOptions, originOf } from '../aws/endpoint.ts';
import { RUNTIME } from '../bedrock/runtime.ts';
import type { Service } from '../bedrock/service.ts';
import { SERVICES } from '../bedrock/services.ts';
import { type Reader, type SettingName, SETTINGS } from './settings.ts';

/** Name of the setting that replaces the address of a service, as the AWS SDKs call it. */
export function endpointSetting({ hostPrefix }: Service): SettingName | undefined {
  const name = `AWS_ENDPOINT_URL_${hostPrefix.replaceAll('-', '_').toUpperCase()}`;
  return SETTINGS.find((setting) => setting === name);
}

/** The region, and where services are called in it. */
export function readEndpoints(read: Reader, problems: string[]): { region: string; endpoints: EndpointOptions } {
  const region = read.required('AWS_REGION', '');
  const overrides: Record<string, string> = {};
  for (const service of SERVICES) {
    const name = endpointSetting(service);
    const origin = name === undefined ? undefined : read.origin(name);
    if (origin !== undefined) overrides[service.hostPrefix] = origin;
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
