import { ProxyError } from '../errors.ts';
import { GROUPS, type OperationGroup } from './groups.ts';
import type { ModelAliases } from './model-aliases.ts';
import { arnRegion, isIdentifier } from './model-id.ts';
import { type MatchPath, pathPattern } from './path-pattern.ts';
import type { Operation, Service } from './service.ts';
import { explainUnknownPath } from './unknown-path.ts';

/** What a request asks of Bedrock, in canonical form. */
export interface Route {
  readonly service: Service;
  readonly operation: Operation;
  /** The path that is signed and sent: every label one percent-encoded segment. */
  readonly path: string;
  /** Model id or ARN as asked for, decoded; absent where the operation has none in its path. */
  readonly modelId?: string;
  /** The one that is called in its place, where that is an alias. */
  readonly resolvedModelId?: string;
  /** Of the ARN in the path, whatever it names. */
  readonly arnRegion?: string;
}

/**
 * Finds the operation and the canonical path of a request's path, whichever way clients and front ends have encoded it.
 *
 * @param method in upper case
 * @param pathname as received: percent-encoded, without the query
 * @param aliases of models; the path has the model behind one
 * @throws ProxyError `unknownOperation` for a path or method that has no operation, `invalidRequest` for a label that
 *   no Bedrock identifier can be, `notImplemented` for an operation that cannot pass
 */
export type FindRoute = (method: string, pathname: string, aliases?: ModelAliases) => Route;

/**
 * Encodings that are undone. A client encodes a label once; the Functions host encodes a `%` that it left alone once
 * more (dotnet/yarp#1419); a client that works around front ends encodes twice by itself.
 */
const MOST_DECODINGS = 3;

/** Labels that may be ARNs, whose slashes front ends decode. Any other is one segment: with more, it is another path. */
const MAY_BE_ARNS = new Set([
  'modelId',
  'modelIdentifier',
  'inferenceProfileIdentifier',
  'provisionedModelId',
  'guardrailIdentifier',
  'invocationArn',
  'sessionIdentifier',
  'flowIdentifier',
  'flowAliasIdentifier',
  'executionIdentifier',
  'agentRuntimeArn',
]);

const EVERY_GROUP: ReadonlySet<OperationGroup> = new Set(GROUPS);

/**
 * @param services whose paths do not overlap; of two operations that have one path the first counts
 * @param offered groups of operations that are told of where a path is unknown
 */
export function createRouter(
  services: readonly Service[],
  offered: ReadonlySet<OperationGroup> = EVERY_GROUP,
): FindRoute {
  const candidates = services.flatMap((service) =>
    service.operations.map((operation) => {
      const template = `${service.prefix ?? ''}${operation.template}`;
      return { service, operation, template, ...compile(template) };
    }),
  );
  const served = candidates
    .filter(({ operation }) => operation.unsupported === undefined && offered.has(operation.group))
    .map(({ template, operation }) => ({ method: operation.method, template }));
  const methodsOf = (path: string) =>
    candidates.filter(({ match }) => match(path) !== undefined).map(({ operation }) => operation.method);
  return (method, pathname, aliases) => {
    const decoded = decodeFully(pathname);
    for (const { service, operation, labels, match } of candidates) {
      if (operation.method !== method) continue;
      const values = match(decoded);
      if (values === undefined) continue;
      if (operation.unsupported !== undefined) throw new ProxyError('notImplemented', operation.unsupported);
      labels.forEach((label, index) => checkLabel(label, values[index] ?? ''));
      const modelId = labels[0] === 'modelId' ? values[0] : undefined;
      const resolvedModelId = aliases?.get(modelId ?? '');
      const sent = resolvedModelId === undefined ? values : [resolvedModelId, ...values.slice(1)];
      let next = 0;
      const path = operation.template.replaceAll(/\{\w+\}/g, () => encodeURIComponent(sent[next++] ?? ''));
      const region = sent.map(arnRegion).find((one) => one !== undefined);
      return {
        service,
        operation,
        path,
        ...(modelId === undefined ? {} : { modelId }),
        ...(resolvedModelId === undefined ? {} : { resolvedModelId }),
        ...(region === undefined ? {} : { arnRegion: region }),
      };
    }
    throw new ProxyError('unknownOperation', explainUnknownPath(method, decoded, methodsOf, served));
  };
}

function compile(template: string) {
  const labels = Array.from(template.matchAll(/\{(\w+)\}/g), ([, name]) => name ?? '');
  const valuesIn = pathPattern(template);
  const match: MatchPath = (path) => {
    const values = valuesIn(path);
    const isOther = labels.some((label, index) => !MAY_BE_ARNS.has(label) && values?.[index]?.includes('/'));
    return isOther ? undefined : values;
  };
  return { labels, match };
}

function decodeFully(pathname: string): string {
  let path = pathname;
  try {
    for (let round = 0; round < MOST_DECODINGS && path.includes('%'); round += 1) path = decodeURIComponent(path);
  } catch {
    throw new ProxyError('invalidRequest', 'The path is not valid percent-encoded UTF-8.');
  }
  return path;
}

function checkLabel(label: string, value: string): void {
  if (!isIdentifier(value)) {
    throw new ProxyError('invalidRequest', `The ${label} in the path is not a valid identifier or ARN.`);
  }
}
