import type { ServerResponse } from 'node:http';
import type { ResponseHead } from './forward-copy.ts';

/** Statuses that have no body and so no length (RFC 9110 8.6). */
const BODILESS: ReadonlySet<number> = new Set([204, 304]);

/** Ends an answer whose body, if any, has been written. */
export function endAnswer(response: ServerResponse, { status, reason, headers }: ResponseHead): void {
  if (!response.headersSent) {
    const isBodiless = BODILESS.has(status) || response.req.method === 'HEAD';
    const hasLength = headers.some((name, index) => index % 2 === 0 && name.toLowerCase() === 'content-length');
    response.writeHead(status, reason, isBodiless || hasLength ? headers : [...headers, 'content-length', '0']);
  }
  response.end();
}

/** 500 with an empty body, or a cut connection when the answer has begun. */
export function failAnswer(response: ServerResponse): void {
  if (response.headersSent) response.destroy();
  else answerEmpty(response, 500);
}

/** A status of the host's own. */
export function answerEmpty(response: ServerResponse, status: number): void {
  response.writeHead(status, status === 204 ? {} : { 'content-length': '0' }).end();
}
