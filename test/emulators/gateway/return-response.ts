import type { Exchange, PolicyResponse } from './exchange.ts';
import { compileHeaderChange } from './set-header.ts';
import { attributesOf, compileString, compileValue, elementsOf, reject, textOf, type Statement } from './statement.ts';
import type { XmlElement } from './xml.ts';

/** `set-status`: of the response as it is now. */
export const setStatus: Statement = {
  sections: ['inbound', 'backend', 'outbound', 'on-error'],
  compile(element) {
    const change = compileStatus(element);
    return (exchange) => {
      change(exchange.response, exchange);
      return 'continue';
    };
  },
};

type Change = (response: PolicyResponse, exchange: Exchange) => void;

/** Order of the elements inside `return-response`, as its reference gives it. */
const ORDER = ['set-status', 'set-header', 'set-body'];

/** `return-response`: a new response, 200 and empty unless told otherwise; nothing of the pipeline runs after it. */
export const returnResponse: Statement = {
  sections: ['inbound', 'backend', 'outbound', 'on-error'],
  compile(element) {
    attributesOf(element, []);
    const parts = elementsOf(element);
    const places = parts.map(({ name }) => ORDER.indexOf(name));
    if (places.some((place, index) => place < (places[index - 1] ?? 0))) {
      reject(element, `only ${ORDER.join(', ')} are allowed, in this order`);
    }
    const changes = parts.map(compileChange);
    return (exchange) => {
      const response: PolicyResponse = { status: 200, reason: 'OK', headers: [], body: '' };
      for (const change of changes) change(response, exchange);
      exchange.response = response;
      return 'finished';
    };
  },
};

function compileChange(element: XmlElement): Change {
  if (element.name === 'set-header') {
    const change = compileHeaderChange(element);
    return (response, exchange) => {
      response.headers = change(response.headers, exchange);
    };
  }
  return element.name === 'set-status' ? compileStatus(element) : compileBody(element);
}

function compileStatus(element: XmlElement): Change {
  const { code, reason } = attributesOf(element, ['code', 'reason']);
  const readCode = compileValue(element, code);
  const readReason = compileString(element, reason);
  return (response, exchange) => {
    response.status = Number(readCode(exchange));
    response.reason = readReason(exchange);
  };
}

function compileBody(element: XmlElement): Change {
  attributesOf(element, []);
  const read = compileString(element, textOf(element));
  return (response, exchange) => {
    response.body = read(exchange);
  };
}
