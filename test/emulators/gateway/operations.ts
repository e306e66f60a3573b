import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { root } from '../../support/root.ts';
import { PolicyError } from './errors.ts';

/** An operation of the API. */
export interface Operation {
  /** Its name as a resource, which expressions see as its id; tests that do not ask for it need none. */
  readonly name?: string;
  readonly method: string;
  /** Path below the API's suffix; a `*` at the end stands for any rest. */
  readonly urlTemplate: string;
}

/** The operations of the Bedrock API that are deployed, of all groups: what is not among them never reaches the function. */
export const BEDROCK_OPERATIONS: readonly (Operation & { readonly group?: string })[] = JSON.parse(
  readFileSync(join(root, 'infra/gateway/operations.json'), 'utf8'),
);

/**
 * The operation of a request; templates match without regard to case.
 *
 * @throws PolicyError 404 when there is none
 */
export function findOperation(operations: readonly Operation[], method: string, path: string): Operation {
  const wanted = path.toLowerCase();
  const found = operations.find((operation) => {
    const template = operation.urlTemplate.toLowerCase();
    const matches = template.endsWith('*') ? wanted.startsWith(template.slice(0, -1)) : wanted === template;
    return matches && operation.method === method;
  });
  if (found === undefined) throw operationNotFound();
  return found;
}

/** The error of a request that no API or no operation of it matches. */
export function operationNotFound(): PolicyError {
  return new PolicyError({
    source: 'configuration',
    reason: 'OperationNotFound',
    status: 404,
    message: 'Unable to match incoming request to an operation.',
  });
}
