import type { IncomingMessage, ServerResponse } from 'node:http';
import { answerEmpty } from './answer.ts';
import { addFrontEndHeaders, rewriteTarget } from './front-end.ts';
import { invoke, type InvocationSettings } from './invocation.ts';
import { arrivalOf, closeBehind, type KestrelOptions } from './kestrel.ts';
import { isAuthorized, type Keys } from './keys.ts';
import { parseQuery, type Query } from './query.ts';
import { readBody } from './request-body.ts';
import { readHeaders, type RequestHeaders } from './request-headers.ts';
import { decodePath } from './request-path.ts';
import { matchRoute, type CompiledRoute } from './routes.ts';
import { isChunked } from './worker-request.ts';

export interface PipelineSettings extends InvocationSettings, KestrelOptions {
  readonly routes: readonly CompiledRoute[];
  readonly keys: Keys;
  /** False when the host could not start: it answers nothing but that. */
  readonly running: boolean;
  readonly frontEnd: boolean;
  /** `AzureWebJobsDisableHomepage` is set. */
  readonly homepageDisabled: boolean;
}

/** A request after the front end and Kestrel's parser. */
interface Parsed {
  readonly path: string;
  readonly rawQuery: string;
  readonly query: Query;
  readonly headers: RequestHeaders;
}

/** Answers one request of a client, in the order of the host's middleware. */
export async function handle(
  request: IncomingMessage,
  response: ServerResponse,
  host: PipelineSettings,
): Promise<void> {
  const { head, broken } = arrivalOf(request);
  if ('refusal' in head) return refuse(response, head.refusal);
  if (!host.running) return answerNotRunning(response);
  if (broken.aborted) closeBehind(response);
  else broken.addEventListener('abort', () => closeBehind(response), { once: true });
  const parsed = parse(request, host.frontEnd);
  if (!parsed) return answerEmpty(response, 400);
  const { path, query, headers } = parsed;
  const method = request.method ?? 'GET';
  if (/^\/(?:admin|runtime)(?:\/|$)/i.test(path)) return answerReserved(response, path, parsed, host.keys);

  const match = matchRoute(host.routes, method, path);
  if (!match) return answerUnmatched(response, path, host.homepageDisabled);
  if (!isAuthorized(host.keys, match.route.authLevel, headers.binding, query)) return answerEmpty(response, 401);

  const length = isChunked(request) ? 0 : Number(headers.binding['content-length'] ?? 0);
  if (length > host.bodyLimitBytes) {
    // Not a 413: the limit is met inside the trigger's binding, whose failure is a failed function.
    return refuse(response, 500);
  }
  const body = length > 0 ? await readBody(request, broken) : undefined;
  if (broken.aborted && !isChunked(request)) return refuse(response, 500);
  const worker = host.supervisor.current ?? (await host.supervisor.ready().catch(() => undefined));
  if (!worker) return answerEmpty(response, 503);
  if (response.destroyed || (length > 0 && !body)) return undefined;
  const scheme = host.frontEnd ? 'https' : 'http';
  return invoke(
    { ...parsed, request, response, match, scheme, host: headers.binding['host'] ?? '', body, broken },
    worker,
    host,
  );
}

function answerNotRunning(response: ServerResponse): void {
  closeBehind(response);
  response.writeHead(503, { 'content-type': 'text/plain' }).end('Function host is not running.');
}

function refuse(response: ServerResponse, status: number): void {
  closeBehind(response);
  answerEmpty(response, status);
}

/** Undefined for what Kestrel refuses. */
function parse(request: IncomingMessage, frontEnd: boolean): Parsed | undefined {
  const rawTarget = request.url ?? '';
  const headers = readHeaders(frontEnd ? addFrontEndHeaders(request, rawTarget) : request.rawHeaders);
  const target = frontEnd ? rewriteTarget(...splitTarget(rawTarget)) : rawTarget;
  const [rawPath, rawQuery] = splitTarget(target);
  const path = rawPath.startsWith('/') ? decodePath(rawPath) : undefined;
  if (!headers || path === undefined) return undefined;
  return { path, rawQuery, query: parseQuery(rawQuery.slice(1)), headers };
}

/** Path, and query with its question mark. */
function splitTarget(target: string): [path: string, query: string] {
  const mark = target.indexOf('?');
  return mark === -1 ? [target, ''] : [target.slice(0, mark), target.slice(mark)];
}

/** Paths that the host serves itself, even under a catch-all. */
function answerReserved(response: ServerResponse, path: string, { headers, query }: Parsed, keys: Keys): void {
  const lower = path.toLowerCase();
  if (lower === '/admin/host/ping') return answerEmpty(response, 200);
  if (lower !== '/admin/host/status') return answerEmpty(response, 404);
  if (!isAuthorized(keys, 'admin', headers.binding, query)) return answerEmpty(response, 401);
  const status = JSON.stringify({ id: 'functions-host-emulator', state: 'Running' });
  response.writeHead(200, { 'content-type': 'application/json; charset=utf-8' }).end(status);
  return undefined;
}

/** The home page at the root, unless switched off; 404 elsewhere. */
function answerUnmatched(response: ServerResponse, path: string, homepageDisabled: boolean): void {
  if (path !== '/') return answerEmpty(response, 404);
  if (homepageDisabled) return answerEmpty(response, 204);
  const page = '<!DOCTYPE html><title>Your Azure Function App is up and running.</title>';
  response.writeHead(200, { 'content-type': 'text/html' }).end(page);
  return undefined;
}
