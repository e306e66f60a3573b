import { PolicyError } from './errors.ts';
import type { Exchange } from './exchange.ts';
import { valuesOf, without, type HeaderList } from './header-list.ts';
import { attributesOf, compileString, elementsOf, reject, textOf, type Statement } from './statement.ts';
import type { XmlElement } from './xml.ts';

const ACTIONS: ReadonlySet<string> = new Set(['override', 'skip', 'append', 'delete']);

/** "Headers … cannot be modified or deleted" (set-header policy reference). */
const FIXED: ReadonlySet<string> = new Set(['connection', 'content-length', 'keep-alive', 'transfer-encoding']);

/** What a `set-header` does to a list of headers. */
export type HeaderChange = (headers: HeaderList, exchange: Exchange) => HeaderList;

/** Compiles a `set-header`, apart from the message it applies to. Names are exact: there is no wildcard. */
export function compileHeaderChange(element: XmlElement): HeaderChange {
  const { name, 'exists-action': action = 'override' } = attributesOf(element, ['name'], ['exists-action']);
  if (!/^[\w-]+$/.test(name) || FIXED.has(name.toLowerCase())) reject(element, `header ${name} cannot be set`);
  if (!ACTIONS.has(action)) reject(element, `exists-action ${action} is not known`);
  const values = elementsOf(element);
  if (action === 'delete') {
    return values.length === 0 ? (headers) => without(headers, name) : reject(element, 'delete takes no value');
  }
  const [value] = values;
  if (value?.name !== 'value' || values.length !== 1) return reject(element, 'exactly one <value> is emulated');
  const read = compileString(value, textOf(value));
  return (headers, exchange) => {
    const present = valuesOf(headers, name);
    if (action === 'skip' && present.length > 0) return headers;
    const text = wireForm(read(exchange));
    const combined = action === 'append' ? [...present, text].join(',') : text;
    return [...without(headers, name), [name, combined]];
  };
}

/** As bytes of UTF-8, one character each, which is how Node takes header values. An empty one is an error (HTTP 500). */
function wireForm(text: string): string {
  if (text === '') {
    throw new PolicyError({
      source: 'set-header',
      reason: 'ExpressionValueEvaluationFailure',
      status: 500,
      message: "Header can't have empty value.",
    });
  }
  return Buffer.from(text, 'utf8').toString('latin1');
}

/** `set-header`: on the request before it is forwarded, on the response afterwards. */
export const setHeader: Statement = {
  sections: ['inbound', 'backend', 'outbound', 'on-error'],
  compile(element, _environment, _children, section) {
    const change = compileHeaderChange(element);
    const onRequest = section === 'inbound' || section === 'backend';
    return (exchange) => {
      const message = onRequest ? exchange.request : exchange.response;
      message.headers = change(message.headers, exchange);
      return 'continue';
    };
  },
};
