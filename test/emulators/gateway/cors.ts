import type { Exchange } from './exchange.ts';
import { valuesOf, type HeaderList } from './header-list.ts';
import { attributesOf, elementsOf, reject, textOf, type Statement } from './statement.ts';
import type { XmlElement } from './xml.ts';

/**
 * `cors`: answers preflight requests before the subscription key is asked for, and adds the headers to the answers of
 * the requests that follow. An origin that is not listed gets neither.
 */
export const cors: Statement = {
  sections: ['inbound'],
  once: true,
  compile(element) {
    // The reference contradicts itself on the default, hence required here.
    const { 'terminate-unmatched-request': terminate } = attributesOf(element, ['terminate-unmatched-request']);
    if (terminate !== 'false') reject(element, 'only terminate-unmatched-request="false" is emulated');
    const lists = new Map(elementsOf(element).map((list) => [list.name, list]));
    const origins = new Set(items(element, lists, 'allowed-origins', 'origin').map((text) => new URL(text).origin));
    const methods = items(element, lists, 'allowed-methods', 'method');
    const headers = items(element, lists, 'allowed-headers', 'header');
    const exposed = items(element, lists, 'expose-headers', 'header');
    const maxAge = lists.get('allowed-methods')?.attributes.get('preflight-result-max-age') ?? '0';
    return (exchange) => {
      const origin = originOf(exchange);
      const preflight = isPreflight(exchange.request);
      if (preflight) exchange.response = { status: 200, reason: 'OK', headers: [], body: '' };
      if (origins.has(origin)) {
        exchange.addedHeaders = [
          ['Access-Control-Allow-Origin', origin],
          ...(preflight
            ? ([
                ['Access-Control-Allow-Methods', methods.join(',')],
                ['Access-Control-Allow-Headers', headers.join(',')],
                ['Access-Control-Max-Age', maxAge],
              ] as const)
            : [['Access-Control-Expose-Headers', exposed.join(',')] as const]),
        ];
      }
      return preflight ? 'finished' : 'continue';
    };
  },
};

/** Whether a browser asks before it sends the real request (Fetch Standard, 3.3.6). */
export function isPreflight({ method, headers }: { readonly method: string; readonly headers: HeaderList }): boolean {
  return (
    method === 'OPTIONS' &&
    ['origin', 'access-control-request-method'].every((name) => valuesOf(headers, name).length > 0)
  );
}

function originOf({ request }: Exchange): string {
  return valuesOf(request.headers, 'origin')[0] ?? '';
}

function items(
  element: XmlElement,
  lists: ReadonlyMap<string, XmlElement>,
  listName: string,
  itemName: string,
): readonly string[] {
  const list = lists.get(listName) ?? reject(element, `<${listName}> is required by the emulator`);
  attributesOf(list, [], listName === 'allowed-methods' ? ['preflight-result-max-age'] : []);
  return elementsOf(list).map((item) => {
    if (item.name !== itemName) reject(item, 'not allowed here');
    const text = textOf(item);
    return text === '*' ? reject(item, '* is not emulated') : text;
  });
}
