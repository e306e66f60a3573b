import { type IncomingMessage, request as httpRequest } from 'node:http';

import type { Gateway } from '../emulators/gateway/gateway.ts';
import type { Plan } from './audit.ts';
import { CALL_HEADER } from './bedrock.ts';
import { type Fault, FAULT_HEADER, type Misbehaviour } from './faults.ts';
import type { Operation } from './operations.ts';
import { LEFT, outcomeOf } from './outcome.ts';

/** Largest body that the proxy under the soak takes, in bytes. */
export const MOST_BYTES = 50_000;

/** What needs a body, or a path that only takes one, whatever the operation is. */
const POSTED: ReadonlySet<Misbehaviour | undefined> = new Set<Misbehaviour>(['tooLarge', 'badModel']);

/** What its caller knows of a call at its end. */
export interface Ended {
  readonly outcome: string;
  /** 0 without an answer. */
  readonly status: number;
  readonly errorType?: string;
  /** Of an error. */
  readonly body?: string;
  /** What its headers tell of budgets. */
  readonly budgets?: string;
  /** By which its record knows it; absent where the answer does not come from the function. */
  readonly invocationId?: string;
}

/** Makes one call over a connection of its own, with a fault or without, and tells how it ended. Never rejects. */
export function call(gateway: Pick<Gateway, 'url'>, { number, operation, team, fault }: Plan): Promise<Ended> {
  const upload = fault?.caller === 'cutsUpload' || fault?.caller === 'stallsUpload';
  const method = upload || POSTED.has(fault?.caller) ? 'POST' : operation.method;
  const body = fault?.caller === 'tooLarge' ? Buffer.alloc(MOST_BYTES + 1) : operation.body?.(number);
  const { promise, resolve } = Promise.withResolvers<Ended>();
  const request = httpRequest(gateway.url + pathOf(operation, fault), {
    method,
    agent: false,
    headers: {
      ...(method === 'POST' || body !== undefined ? { 'content-type': 'application/json' } : {}),
      ...operation.headers,
      [CALL_HEADER]: number,
      ...(fault?.caller === 'noKey' ? {} : { 'api-key': team.key }),
      ...(fault?.bedrock === undefined ? {} : { [FAULT_HEADER]: fault.name }),
    },
  });
  const leave = (): void => {
    resolve({ outcome: LEFT, status: 0 });
    request.destroy();
  };
  request.on('error', (error) => resolve({ outcome: `no answer: ${error.message}`, status: 0 }));
  const judge = async (answer: IncomingMessage): Promise<void> => {
    const { 'x-ms-invocation-id': invocationId, 'x-bedrock-budget-remaining': budgets } = answer.headers;
    const received = await receive(answer);
    const { status, errorType } = received;
    resolve({
      outcome: outcomeOf(received, operation),
      status,
      ...(errorType === undefined ? {} : { errorType, body: String(received.body) }),
      ...(budgets === undefined ? {} : { budgets: String(budgets) }),
      ...(invocationId === undefined ? {} : { invocationId: String(invocationId) }),
    });
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
  request.end(body);
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
