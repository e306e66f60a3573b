import { AwsError } from './aws-error.ts';
import { member, parseObject } from './json.ts';
import { splitTarget, type RawRequest } from './sigv4-canonical.ts';

/** Operations of the API model by their names there, and of the OpenAI and Anthropic routes by names of our own. */
export type Operation =
  | 'Converse'
  | 'ConverseStream'
  | 'InvokeModel'
  | 'InvokeModelWithResponseStream'
  | 'CountTokens'
  | 'ApplyGuardrail'
  | 'InvokeGuardrailChecks'
  | 'StartAsyncInvoke'
  | 'GetAsyncInvoke'
  | 'ListAsyncInvokes'
  | 'ChatCompletions'
  | 'Responses'
  | 'GetResponse'
  | 'DeleteResponse'
  | 'CancelResponse'
  | 'ListModels'
  | 'Messages'
  | 'CountMessageTokens';

/** Which operation a request is, with its path labels decoded once. */
export interface Matched {
  readonly operation: string;
  readonly labels: readonly string[];
  /** From the path, or from the body where the route keeps it there. */
  readonly modelId?: string;
}

/** A label is one segment: a raw `/` inside an ARN makes another, unknown path. */
const ROUTES: readonly (readonly [method: string, path: RegExp, operation: Operation])[] = [
  ['POST', /^\/model\/([^/]+)\/converse$/, 'Converse'],
  ['POST', /^\/model\/([^/]+)\/converse-stream$/, 'ConverseStream'],
  ['POST', /^\/model\/([^/]+)\/invoke$/, 'InvokeModel'],
  ['POST', /^\/model\/([^/]+)\/invoke-with-response-stream$/, 'InvokeModelWithResponseStream'],
  ['POST', /^\/model\/([^/]+)\/count-tokens$/, 'CountTokens'],
  ['POST', /^\/guardrail\/([^/]+)\/version\/([^/]+)\/apply$/, 'ApplyGuardrail'],
  ['POST', /^\/guardrail-checks\/invoke$/, 'InvokeGuardrailChecks'],
  ['POST', /^\/async-invoke$/, 'StartAsyncInvoke'],
  ['GET', /^\/async-invoke\/([^/]+)$/, 'GetAsyncInvoke'],
  ['GET', /^\/async-invoke$/, 'ListAsyncInvokes'],
  ['POST', /^\/openai\/v1\/chat\/completions$/, 'ChatCompletions'],
  ['POST', /^\/openai\/v1\/responses$/, 'Responses'],
  ['GET', /^\/openai\/v1\/responses\/([^/]+)$/, 'GetResponse'],
  ['DELETE', /^\/openai\/v1\/responses\/([^/]+)$/, 'DeleteResponse'],
  ['POST', /^\/openai\/v1\/responses\/([^/]+)\/cancel$/, 'CancelResponse'],
  ['POST', /^\/anthropic\/v1\/messages$/, 'Messages'],
  ['POST', /^\/anthropic\/v1\/messages\/count_tokens$/, 'CountMessageTokens'],
];

const MODEL_IN_BODY: ReadonlySet<Operation> = new Set([
  'ChatCompletions',
  'Responses',
  'Messages',
  'CountMessageTokens',
]);

/** Throws 404 UnknownOperationException, or 400 ValidationException for a label that cannot be an id or ARN. */
export function matchOperation({ method, target, body }: RawRequest): Matched {
  const { path } = splitTarget(target);
  for (const [routeMethod, pattern, operation] of ROUTES) {
    const match = method === routeMethod ? pattern.exec(path) : null;
    if (match !== null) {
      const labels = match.slice(1).map(decodeLabel);
      const [label] = labels;
      const modelId = path.startsWith('/model/') ? label : modelInBody(operation, Buffer.from(body));
      return { operation, labels, ...(modelId === undefined ? {} : { modelId }) };
    }
  }
  throw new AwsError(404, 'UnknownOperationException', `There is no operation ${method} ${path}.`);
}

export function decodeLabel(label: string): string {
  const decoded = decode(label);
  if (decoded === undefined || !/^[A-Za-z0-9._:/-]+$/.test(decoded)) {
    throw new AwsError(400, 'ValidationException', `The provided identifier is invalid: ${label}`);
  }
  return decoded;
}

function decode(label: string): string | undefined {
  try {
    return decodeURIComponent(label);
  } catch {
    return undefined;
  }
}

function modelInBody(operation: Operation, body: Buffer): string | undefined {
  if (!MODEL_IN_BODY.has(operation)) return undefined;
  const model = member(parseObject(body), 'model');
  return typeof model === 'string' ? model : undefined;
}
