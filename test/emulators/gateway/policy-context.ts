import type { Exchange } from './exchange.ts';
import { ExpressionError } from './errors.ts';
import { any, asString, type NetObject, type Value } from './expression-values.ts';
import { valuesOf, type HeaderList } from './header-list.ts';

/** What of an exchange expressions can see. */
export type ContextSource = Pick<
  Exchange,
  'requestId' | 'request' | 'response' | 'variables' | 'operation' | 'subscription' | 'lastError'
>;

/** The `context` variable of policy expressions, with the members that policies of this project use. */
export function policyContext(exchange: ContextSource): NetObject {
  const { operation, subscription, request, lastError } = exchange;
  return {
    typeName: 'context',
    properties: {
      RequestId: () => guid(exchange.requestId),
      Request: () => ({
        typeName: 'IRequest',
        properties: {
          Method: () => request.method,
          Headers: () => headers(request.headers),
          Url: () => record('IUrl', { Path: request.path }),
        },
      }),
      Response: () => ({
        typeName: 'IResponse',
        properties: {
          StatusCode: () => exchange.response.status,
          Headers: () => headers(exchange.response.headers),
        },
      }),
      Variables: () => variables(exchange.variables),
      Operation: () => (operation === undefined ? null : record('IOperation', { Id: operation.name ?? null })),
      Subscription: () =>
        subscription === undefined
          ? null
          : record('ISubscription', { Id: subscription.id, Name: subscription.name ?? null }),
      Product: () =>
        subscription?.productId === undefined ? null : record('IProduct', { Id: subscription.productId }),
      User: () => (subscription?.userId === undefined ? null : record('IUser', { Id: subscription.userId })),
      LastError: () =>
        lastError === undefined
          ? null
          : record('ILastError', { Source: lastError.source, Reason: lastError.reason, Message: lastError.message }),
    },
  };
}

function record(typeName: string, fields: Readonly<Record<string, Value>>): NetObject {
  return {
    typeName,
    properties: Object.fromEntries(Object.entries(fields).map(([name, value]) => [name, () => value])),
  };
}

function guid(text: string): NetObject {
  return { typeName: 'Guid', methods: { ToString: () => text } };
}

/** `IReadOnlyDictionary<string, string[]>` with API Management's `GetValueOrDefault`, which joins by commas. */
function headers(list: HeaderList): NetObject {
  const names = [...new Map(list.map(([name]) => [name.toLowerCase(), name])).values()];
  const pairs = names.map((name) => record('KeyValuePair', { Key: name, Value: valuesOf(list, name) }));
  return {
    typeName: 'Headers',
    methods: {
      Any: any(pairs),
      GetValueOrDefault: (name, absent) => {
        const values = valuesOf(list, asString(name));
        return values.length === 0 ? (absent ?? null) : values.join(',');
      },
    },
  };
}

function variables(values: ReadonlyMap<string, Value>): NetObject {
  return {
    typeName: 'Variables',
    methods: { ContainsKey: (name) => values.has(asString(name)) },
    item: (key) => {
      const name = asString(key);
      const value = values.get(name);
      if (value === undefined) throw new ExpressionError(`The given key '${name}' was not present in the dictionary.`);
      return value;
    },
  };
}
