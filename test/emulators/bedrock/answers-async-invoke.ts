import { createHash } from 'node:crypto';
import { plain, type Answer } from './answer.ts';
import { member, requireObject } from './json.ts';
import type { ReceivedRequest } from './received-request.ts';
import { splitTarget } from './sigv4-canonical.ts';

const MODEL_ARN = 'arn:aws:bedrock:us-east-1::foundation-model/amazon.nova-reel-v1:0';
const OUTPUT = { s3OutputDataConfig: { s3Uri: 's3://amzn-s3-demo-bucket/videos' } };

/** StartAsyncInvoke: one client request token always gives one invocation. */
export function startAsyncInvoke({ body }: ReceivedRequest): Answer {
  const token = member(requireObject(body), 'clientRequestToken');
  return plain({ invocationArn: invocationArn(typeof token === 'string' ? token : body.toString('latin1')) });
}

/** GetAsyncInvoke: the invocation asked for, completed. */
export function getAsyncInvoke({ labels, receivedAt }: ReceivedRequest): Answer {
  return plain(summary(labels[0] ?? '', 'Completed', receivedAt.toISOString()));
}

/**
 * ListAsyncInvokes: as many invocations as `maxResults` allows (two without it), with the status and submit time the
 * filters ask for, and a next page unless this is one.
 */
export function listAsyncInvokes({ target, receivedAt }: ReceivedRequest): Answer {
  const query = new URLSearchParams(splitTarget(target).query);
  const submitTime = query.get('submitTimeAfter') ?? query.get('submitTimeBefore') ?? receivedAt.toISOString();
  const asyncInvokeSummaries = Array.from({ length: Number(query.get('maxResults') ?? 2) }, (_, index) =>
    summary(invocationArn(`listed ${index}`), query.get('statusEquals') ?? 'Completed', submitTime),
  );
  return plain({ asyncInvokeSummaries, ...(query.has('nextToken') ? {} : { nextToken: 'bmV4dCBwYWdl+/=' }) });
}

function summary(arn: string, status: string, submitTime: string): object {
  return {
    invocationArn: arn,
    modelArn: MODEL_ARN,
    status,
    submitTime,
    lastModifiedTime: submitTime,
    outputDataConfig: OUTPUT,
    ...(status === 'InProgress' ? {} : { endTime: submitTime }),
    ...(status === 'Failed' ? { failureMessage: 'The model could not complete the invocation.' } : {}),
  };
}

function invocationArn(seed: string): string {
  const id = createHash('sha256').update(seed).digest('hex').slice(0, 12);
  return `arn:aws:bedrock:us-east-1:123456789012:async-invoke/${id}`;
}
