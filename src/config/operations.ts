import { originOf } from '../aws/endpoint.ts';
import { GROUPS, type OperationGroup, parseGroups, USUAL_GROUPS } from '../bedrock/groups.ts';
import type { Service } from '../bedrock/service.ts';
import { SERVICES } from '../bedrock/services.ts';
import { type Endpoints, endpointSetting } from './endpoints.ts';
import type { Reader } from './reader.ts';

/**
 * The groups of operations that the app offers. Every service that has some of them needs an address in each region; what
 * is offered unasked is left out where it has none.
 */
export function readOperations(
  read: Reader,
  problems: string[],
  { regions, endpoints }: Endpoints,
): ReadonlySet<OperationGroup> {
  const withoutAddress = SERVICES.filter(
    ({ hostPrefix, dualStack }) => !regions.every((region) => originOf(hostPrefix, region, endpoints, dualStack)),
  );
  const list = read.text('OPERATIONS');
  if (list === undefined) return new Set(USUAL_GROUPS.filter((group) => !withoutAddress.some(offers(group))));
  const groups = parseGroups(list);
  if (groups === undefined) {
    problems.push(`OPERATIONS must be a list of these: ${GROUPS.join(', ')}`);
    return new Set(USUAL_GROUPS);
  }
  for (const service of withoutAddress) {
    // That a region is unknown has been said.
    if (service.hostPrefix === 'bedrock-runtime' || ![...groups].some((group) => offers(group)(service))) continue;
    problems.push(`${String(endpointSetting(service))} is missing (AWS does not tell of a region)`);
  }
  return groups;
}

function offers(group: OperationGroup): (service: Service) => boolean {
  return ({ operations }) => operations.some((operation) => operation.group === group);
}
