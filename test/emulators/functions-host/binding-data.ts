import { parseLenientJson } from './lenient-json.ts';
import type { RpcData } from './messages.ts';
import type { Query } from './query.ts';

/** What binding data is made of. */
export interface BindingSources {
  /** The buffered body; undefined for a chunked one, which the host does not read. */
  body: readonly Buffer[] | undefined;
  query: Query;
  routeValues: Readonly<Record<string, string>>;
  headers: Readonly<Record<string, string>>;
}

/**
 * The `triggerMetadata` of an HTTP invocation (azure-webjobs-sdk-extensions, `HttpTriggerAttributeBindingProvider`):
 * top-level properties of a JSON body, then query parameters, then route values, in one dictionary without regard to
 * case. The real headers come last and only when no `Headers` is there yet: a client that sends `?Headers={…}` or
 * `{"Headers":{…}}` replaces them, one that sends `?headers=1` takes them away.
 */
export function toTriggerMetadata({ body, query, routeValues, headers }: BindingSources): Record<string, RpcData> {
  const data = new Map<string, [name: string, value: RpcData]>();
  const set = (name: string, value: RpcData): void => {
    // The dictionary keeps the case in which a name was first seen.
    data.set(name.toLowerCase(), [data.get(name.toLowerCase())?.[0] ?? name, value]);
  };
  for (const [name, value] of bodyProperties(body)) set(name, value);
  for (const [key, { name, value }] of query) if (key !== 'code') set(name, { string: value });
  for (const [name, value] of Object.entries(routeValues)) set(name, { string: value });
  if (!data.has('query')) {
    set('Query', {
      json: JSON.stringify(Object.fromEntries([...query.values()].map((each) => [each.name, each.value]))),
    });
  }
  if (!data.has('headers')) set('Headers', { json: JSON.stringify(headers) });
  return Object.fromEntries(data.values());
}

function bodyProperties(body: readonly Buffer[] | undefined): [name: string, value: RpcData][] {
  const text = body === undefined ? '' : decodeText(Buffer.concat(body)).trim();
  if (!text.startsWith('{') || !text.endsWith('}')) return [];
  let parsed: unknown;
  try {
    parsed = parseLenientJson(text);
  } catch {
    return [];
  }
  return Object.entries(parsed as object).flatMap(([name, value]: [string, unknown]) => {
    const data = toRpcData(value);
    return data ? [[name, data] as [string, RpcData]] : [];
  });
}

/** Arrays and null are left out. */
function toRpcData(value: unknown): RpcData | undefined {
  if (value === null || Array.isArray(value)) return undefined;
  if (typeof value === 'object') return { json: JSON.stringify(value) };
  if (typeof value === 'boolean') return { string: value ? 'True' : 'False' };
  return { string: String(value) };
}

/** UTF-8, unless a byte order mark says otherwise (.NET, `StreamReader`). */
function decodeText(bytes: Buffer): string {
  if (bytes[0] === 0xff && bytes[1] === 0xfe) return new TextDecoder('utf-16le').decode(bytes);
  if (bytes[0] === 0xfe && bytes[1] === 0xff) return new TextDecoder('utf-16be').decode(bytes);
  return new TextDecoder().decode(bytes);
}
