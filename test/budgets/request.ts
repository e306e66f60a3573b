import { type Agent, request as httpRequest } from 'node:http';

export interface RequestOptions {
  readonly agent: Agent;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  /** Called with the first bytes of the answer; true: the caller leaves then. */
  readonly onFirst: () => boolean;
}

/** A call as an application makes it. Resolves with its status at the end of the answer, with 0 when there is none. */
export function post(url: string, { agent, headers, body, onFirst }: RequestOptions): Promise<number> {
  const { promise, resolve } = Promise.withResolvers<number>();
  const request = httpRequest(url, {
    method: 'POST',
    agent,
    headers: { 'content-type': 'application/json', ...headers },
  });
  request.on('error', () => resolve(0));
  request.once('response', (answer) => {
    answer.once('data', () => {
      if (!onFirst()) return;
      resolve(0);
      request.destroy();
    });
    answer.on('close', () => resolve(answer.complete ? (answer.statusCode ?? 0) : 0));
    answer.resume();
  });
  request.end(body);
  return promise;
}
