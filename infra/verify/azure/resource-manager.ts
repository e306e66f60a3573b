import type { Json } from './json.ts';
import type { Look } from './look.ts';

/** One of Azure's APIs, asked with a token of whoever is signed in. */
export interface AzureApi {
  get(path: string): Promise<Look<Json>>;
  /** Every element of a list, its further pages included. */
  list(path: string): Promise<Look<readonly Json[]>>;
  post(path: string, body?: object): Promise<Look<Json>>;
  /** The bytes of what is no JSON. */
  bytes(url: string, headers: Readonly<Record<string, string>>): Promise<Look<Buffer>>;
}

/** A token for this API, or why there is none. */
export type GetToken = () => Promise<Look<string>>;

const TIMEOUT_MS = 30_000;
const MOST_PAGES = 50;

/** @param origin of the API, without a slash at the end */
export function createAzureApi(origin: string, getToken: GetToken): AzureApi {
  async function call(path: string, init: RequestInit = {}): Promise<Look<Response>> {
    const token = await getToken();
    if (!('found' in token)) return { why: 'why' in token ? token.why : 'neither az nor azd is there' };
    const url = path.startsWith('/') ? origin + path : path;
    // What Azure names for a next page is not followed to anywhere else, for the token would go with it.
    if (new URL(url).origin !== new URL(origin).origin) return { why: 'Azure names a page of another host' };
    let response: Response;
    try {
      const headers = { ...(init.headers as Record<string, string>), authorization: `Bearer ${token.found}` };
      response = await fetch(url, { ...init, headers, signal: AbortSignal.timeout(TIMEOUT_MS) });
    } catch {
      return { why: `no answer of ${new URL(origin).host}` };
    }
    if (response.ok) return { found: response };
    const code = await errorCode(response);
    if (response.status === 404 && code !== 'InvalidResourceType') return { absent: true };
    const what = `${new URL(url).pathname.split('/').slice(-2).join('/')}: ${response.status} ${code}`.trim();
    const mayNot = response.status === 401 || response.status === 403;
    return { why: mayNot ? `whoever is signed in may not look at ${what}` : `Azure does not tell ${what}` };
  }

  async function json(path: string, init?: RequestInit): Promise<Look<Json>> {
    const response = await call(path, init);
    if (!('found' in response)) return response;
    // What is only accepted has no body.
    const content = await response.found.text();
    return { found: content === '' ? {} : (JSON.parse(content) as Json) };
  }

  return {
    get: (path) => json(path),
    async list(path) {
      const all: Json[] = [];
      let next: string | undefined = path;
      for (let page = 0; next !== undefined && page < MOST_PAGES; page += 1) {
        const look: Look<Json> = await json(next);
        if (!('found' in look)) return look;
        all.push(...((look.found['value'] ?? []) as Json[]));
        next = look.found['nextLink'] as string | undefined;
      }
      return { found: all };
    },
    post: (path, body = {}) =>
      json(path, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }),
    async bytes(url, headers) {
      const response = await call(url, { headers });
      return 'found' in response ? { found: Buffer.from(await response.found.arrayBuffer()) } : response;
    },
  };
}

async function errorCode(response: Response): Promise<string> {
  try {
    const { error } = (await response.json()) as { error?: { code?: unknown } };
    return typeof error?.code === 'string' ? error.code.slice(0, 80) : '';
  } catch {
    return '';
  }
}
