import { matchOperation, type Matched } from './operations.ts';
import { AwsError } from './aws-error.ts';
import { splitTarget, type RawRequest } from './sigv4-canonical.ts';

/**
 * The operations of the host `bedrock-mantle`: OpenAI's routes below `/v1` and `/openai/v1`, Anthropic's below
 * `/anthropic/v1`, and nothing of the runtime's own.
 *
 * @throws AwsError 404 for any other path
 */
export function matchMantle(request: RawRequest): Matched {
  const { path } = splitTarget(request.target);
  const [, base = '', rest = ''] = /^\/((?:openai\/)?v1)(\/.*)$/.exec(path) ?? [];
  if (base !== '') {
    if (request.method === 'GET' && rest === '/models') return { operation: 'ListModels', labels: [] };
    return matchOperation({ ...request, target: `/openai/v1${request.target.slice(base.length + 1)}` });
  }
  if (path.startsWith('/anthropic/')) return matchOperation(request);
  throw new AwsError(404, 'UnknownOperationException', `There is no operation ${request.method} ${path}.`);
}
