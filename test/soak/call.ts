import { type IncomingMessage, request as httpRequest } from 'node:http';

import type { Gateway } from '../emulators/gateway/gateway.ts';
import { type Fault, FAULT_HEADER, type Misbehaviour } from './faults.ts';
import type { Operation } from './operations.ts';
import { LEFT, outcomeOf } from './outcome.ts';

/** Largest body that the proxy under the soak takes, in bytes. */
export const MOST_BYTES = 50_000;

/** What needs a body, or a path that only takes one, whatever the operation is. */
const POSTED: ReadonlySet<Misbehaviour | undefined> = new Set<Misbehaviour>(['tooLarge', 'badModel']);

/** Makes one call over a connection of its own, with a fault or without, and tells how it ended. Never rejects. */
export function call(gateway: Gateway, operation: Operation, fault: Fault | undefined): Promise<string> {
  const upload = fault?.caller === 'cutsUpload' || fault?.caller === 'stallsUpload';
  const method = upload || POSTED.has(fault?.caller) ? 'POST' : operation.method;
  const { promise, resolve } = Promise.withResolvers<string>();
  const request = httpRequest(gateway.url + pathOf(operation, fault), {
    method,
    agent: false,
    headers: {
      'content-type': 'application/json',
      ...(fault?.caller === 'noKey' ? {} : { 'api-key': gateway.subscriptionKey }),
      ...(fault?.bedrock === undefined ? {} : { [FAULT_HEADER]: fault.name }),
    },
  });
  const leave = (): void => {
    resolve(LEFT);
    request.destroy();
  };
  request.on('error', (error) => resolve(`no answer: ${error.message}`));
  const judge = async (answer: IncomingMessage): Promise<void> => {
    resolve(outcomeOf(await receive(answer), operation));
    // An upload that was refused does not go on.
    if (upload) request.destroy();
  };
  request.once('response', (answer) => {
    if (fault?.caller === 'leavesMidway') answer.once('data', leave).once('end', leave);
    void judge(answer);
  });
  if (upload) {
    request.write('{"messages":', fault.caller === 'cutsUpload' ? leave : undefined);
    return promise;
  }
  if (fault?.caller === 'leavesAtOnce') request.once('finish', leave);
  request.end(fault?.caller === 'tooLarge' ? Buffer.alloc(MOST_BYTES + 1) : operation.body);
  return promise;
}

function pathOf({ path }: Operation, fault: Fault | undefined): string {
  if (fault?.caller === 'badModel') return '/model/not%20a%20model/converse';
  if (fault?.caller === 'noOperation') return '/no-such-operation';
  if (fault?.caller === 'tooLarge') return '/openai/v1/responses';
  return path;
}

async function receive(answer: IncomingMessage) {
  const chunks: Buffer[] = [];
  let cut = false;
  try {
    for await (const chunk of answer) chunks.push(chunk as Buffer);
  } catch {
    cut = true;
  }
  const errorType = answer.headers['x-amzn-errortype'];
  return {
    status: answer.statusCode ?? 0,
    errorType: errorType === undefined ? undefined : String(errorType),
    body: Buffer.concat(chunks),
    cut,
  };
}
