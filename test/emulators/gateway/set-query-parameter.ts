import { attributesOf, compileString, elementsOf, reject, textOf, type Statement } from './statement.ts';

/**
 * `set-query-parameter`. Names are compared decoded and with regard to case: the reference does not say, and for a
 * deletion that is the case that lets more through. What is not touched keeps its spelling.
 */
export const setQueryParameter: Statement = {
  sections: ['inbound', 'backend'],
  compile(element) {
    const { name, 'exists-action': action = 'override' } = attributesOf(element, ['name'], ['exists-action']);
    const values = elementsOf(element);
    if (action === 'delete' && values.length === 0) {
      return ({ request }) => {
        request.query = withoutParameter(request.query, name);
        return 'continue';
      };
    }
    const [value] = values;
    if (action !== 'override' || value?.name !== 'value' || values.length !== 1) {
      return reject(element, 'only delete, and override with exactly one <value>, are emulated');
    }
    const read = compileString(value, textOf(value));
    return (exchange) => {
      const { request } = exchange;
      const added = `${encodeURIComponent(name)}=${encodeURIComponent(read(exchange))}`;
      request.query = [withoutParameter(request.query, name), added].filter((part) => part !== '').join('&');
      return 'continue';
    };
  },
};

function withoutParameter(query: string, name: string): string {
  return query
    .split('&')
    .filter((part) => ![...new URLSearchParams(part).keys()].includes(name))
    .join('&');
}
