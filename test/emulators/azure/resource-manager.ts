import { randomUUID } from 'node:crypto';

import { type Answer, type Endpoint, type RecordedRequest, startJsonServer } from './json-server.ts';

/** What a path answers: a value, the elements of a list, or what a request gets. */
export type Held = object | readonly object[] | ((url: URL, body: string) => object | undefined);

/** Azure Resource Manager, and whatever else of Azure is asked by path with a token. */
export interface ResourceManager extends Endpoint {
  /** The one token that is accepted. */
  readonly token: string;
  /** Holds what GET or POST of this path answers; its case does not matter. */
  hold(path: string, held: Held): void;
  /** Forgets the path and all below it. */
  remove(path: string): void;
  /** Changes what is held at the path. */
  change(path: string, edit: (held: Record<string, unknown>) => Record<string, unknown>): void;
  /** Refuses the path and all below it, as a missing role does. */
  forbid(path: string): void;
}

/** Elements on one page of a list: few, so that lists have several. */
const PAGE = 3;

/** Paths whose first segment is one of these need an API version. */
const VERSIONED = /^\/(subscriptions|providers)\//i;

export async function startResourceManager(): Promise<ResourceManager> {
  const token = randomUUID();
  const held = new Map<string, Held>();
  const forbidden: string[] = [];
  const key = (path: string) => decodeURIComponent(path).toLowerCase();

  function answer({ method, url, headers }: RecordedRequest, body: Buffer): Answer {
    const path = key(url.pathname);
    if (headers.authorization !== `Bearer ${token}`) return refusal(401, 'AuthenticationFailed');
    if (VERSIONED.test(path) && !/^\d{4}-\d\d-\d\d(-preview)?$/.test(url.searchParams.get('api-version') ?? '')) {
      return refusal(400, 'MissingApiVersionParameter');
    }
    if (forbidden.some((prefix) => path.startsWith(prefix))) return refusal(403, 'AuthorizationFailed');
    const found = held.get(path);
    const value = typeof found === 'function' ? found(url, String(body)) : found;
    if (value === undefined) return refusal(404, 'ResourceNotFound');
    if (Buffer.isBuffer(value)) return { status: 200, headers: { 'content-type': 'application/zip' }, body: value };
    if (method === 'POST' && typeof found !== 'function' && !path.endsWith('/list'))
      return refusal(405, 'MethodNotAllowed');
    return { status: 200, body: Array.isArray(value) ? page(url, value) : value };
  }

  const { override: _, ...endpoint } = await startJsonServer(answer);
  function page(url: URL, all: readonly object[]): object {
    const from = Number(url.searchParams.get('$skiptoken') ?? 0);
    const next = new URL(url);
    next.searchParams.set('$skiptoken', String(from + PAGE));
    return { value: all.slice(from, from + PAGE), ...(from + PAGE < all.length ? { nextLink: next.href } : {}) };
  }

  return {
    ...endpoint,
    token,
    hold: (path, value) => void held.set(key(path), value),
    remove(path) {
      for (const each of held.keys()) if (each === key(path) || each.startsWith(`${key(path)}/`)) held.delete(each);
    },
    change(path, edit) {
      const value = held.get(key(path));
      if (typeof value !== 'object' || Array.isArray(value)) throw new Error(`Nothing to be changed at ${path}.`);
      held.set(key(path), edit(structuredClone(value) as Record<string, unknown>));
    },
    forbid: (path) => void forbidden.push(key(path)),
  };
}

function refusal(status: number, code: string): Answer {
  return { status, body: { error: { code, message: `${code}.` } } };
}
