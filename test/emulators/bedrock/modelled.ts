import type { ModelledOperation } from '../../support/aws-models.ts';
import { plain, streamed, type Answer, EVENT_STREAM } from './answer.ts';
import { MODELLED_ANSWERS } from './answers-modelled.ts';
import { AwsError } from './aws-error.ts';
import { member, requireObject } from './json.ts';
import { decodeLabel, type Matched } from './operations.ts';
import type { ReceivedRequest } from './received-request.ts';
import { splitTarget, type RawRequest } from './sigv4-canonical.ts';

/**
 * Which of AWS's operations a request is, by the API model alone: one segment for each label, no parameter that the model
 * does not have, and a body with the members that it must have.
 *
 * @throws AwsError 404 for another path or method, 400 for another parameter or body
 */
export function matchModelled(operations: readonly ModelledOperation[], request: RawRequest): Matched {
  const { path, query } = splitTarget(request.target);
  for (const operation of byLength(operations)) {
    if (operation.method !== request.method) continue;
    const match = patternOf(operation.template).exec(path);
    if (match === null) continue;
    checkQuery(operation, query);
    checkBody(operation, Buffer.from(request.body));
    return { operation: operation.name, labels: match.slice(1).map(decodeLabel) };
  }
  throw new AwsError(404, 'UnknownOperationException', `There is no operation ${request.method} ${path}.`);
}

/** Segments that are given come before labels, which may be anything. */
function byLength(operations: readonly ModelledOperation[]): readonly ModelledOperation[] {
  const labels = ({ template }: ModelledOperation) => template.split('{').length;
  return operations.toSorted((one, other) => labels(one) - labels(other));
}

function patternOf(template: string): RegExp {
  return new RegExp(`^${template.replaceAll(/\{\w+\}/g, '([^/]+)')}$`);
}

function checkQuery({ name, query, queryLists }: ModelledOperation, sent: string): void {
  const parameters = [...new URLSearchParams(sent).keys()];
  const unknown = parameters.filter((parameter) => !query.includes(parameter) && !queryLists.includes(parameter));
  const twice = parameters.filter((parameter, index) => parameters.indexOf(parameter) !== index);
  const wrong = [...unknown, ...twice.filter((parameter) => !queryLists.includes(parameter))];
  if (wrong.length > 0) throw invalid(`${name} does not take the query parameters ${wrong.join(', ')}.`);
}

function checkBody({ name, method, required }: ModelledOperation, body: Buffer): void {
  if (required === undefined) return;
  if (method === 'GET' || method === 'DELETE') {
    if (body.length > 0) throw invalid(`${name} has no body.`);
    return;
  }
  if (required.length === 0 && body.length === 0) return;
  const input = requireObject(body);
  const missing = required.filter((each) => member(input, each) === undefined);
  if (missing.length > 0) throw invalid(`${name} needs ${missing.join(', ')}.`);
}

/** A good answer: the status and the kind that the model says, with content where clients look for any. */
export function answerModelled(operations: readonly ModelledOperation[], request: ReceivedRequest): Answer {
  const operation = operations.find(({ name }) => name === request.operation);
  if (operation === undefined) throw new AwsError(404, 'UnknownOperationException', 'There is no such operation.');
  const { body = {}, events = [], headers = {} } = MODELLED_ANSWERS[operation.name]?.(request) ?? {};
  if (operation.events !== undefined) return streamed(events, { ...EVENT_STREAM, ...headers });
  return { ...plain(body, headers), status: operation.status };
}

function invalid(message: string): AwsError {
  return new AwsError(400, 'ValidationException', message);
}
