import { randomUUID } from 'node:crypto';

import type { Answer } from './json-server.ts';

/** Texts of the service ("Table service error codes", "Common REST API error codes"). */
const TEXTS: Readonly<Record<string, string>> = {
  AtomFormatNotSupported: 'Atom format is not supported.',
  AuthenticationFailed:
    'Server failed to authenticate the request. Make sure the value of Authorization header is formed correctly including the signature.',
  AuthorizationPermissionMismatch: 'This request is not authorized to perform this operation using this permission.',
  EntityAlreadyExists: 'The specified entity already exists.',
  HttpMethodNotSupported: 'The requested method is not allowed on the specified resource.',
  InternalError: 'Server encountered an internal error. Please try again after some time.',
  InvalidHeaderValue: 'The value for one of the HTTP headers is not in the correct format.',
  InvalidInput: 'One of the request inputs is not valid.',
  InvalidUri: 'The requested URI does not represent any resource on the server.',
  NoAuthenticationInformation:
    'Server failed to authenticate the request. Please refer to the information in the www-authenticate header.',
  NotImplemented: 'The requested operation is not implemented on the specified resource.',
  OutOfRangeInput: 'One of the request inputs is out of range.',
  PropertiesNeedValue: 'The values are not specified for all properties in the entity.',
  ResourceNotFound: 'The specified resource does not exist.',
  ServerBusy: 'The server is busy.',
  TableNotFound: 'The table specified does not exist.',
  UpdateConditionNotSatisfied: 'The update condition specified in the request was not satisfied.',
};

export function serviceHeaders(): Record<string, string> {
  return {
    'content-type': 'application/json;odata=minimalmetadata;streaming=true;charset=utf-8',
    'x-ms-request-id': randomUUID(),
    'x-ms-version': '2020-12-06',
    'x-content-type-options': 'nosniff',
    'cache-control': 'no-cache',
  };
}

/** @throws Error for a code that is not in the table above */
export function error(status: number, code: string, headers: Readonly<Record<string, string>> = {}): Answer {
  const text = TEXTS[code];
  if (text === undefined) throw new Error(`No text for ${code}`);
  const message = { lang: 'en-US', value: `${text}\nRequestId:${randomUUID()}\nTime:${new Date().toISOString()}` };
  return {
    status,
    headers: { ...serviceHeaders(), 'x-ms-error-code': code, ...headers },
    body: { 'odata.error': { code, message } },
  };
}

/** A failure of the service itself, or its refusal of too much work, which comes as 503. */
export function failure(status: 429 | 500 | 503, retryAfterSeconds?: number): Answer {
  const headers = retryAfterSeconds === undefined ? {} : { 'retry-after': String(retryAfterSeconds) };
  return error(status, status === 500 ? 'InternalError' : 'ServerBusy', headers);
}

/** Whether a text can be a key: at most 1 KiB in UTF-16, none of `/ \ # ?` and no control characters. */
export function isKey(text: string): boolean {
  return text.length <= 512 && !/[/\\#?\p{Cc}]/u.test(text);
}

/** A column of the service: a text, or a number of 64 bits as a text with its type beside it. */
export function entityIn(body: Buffer): Record<string, unknown> | undefined {
  let value: unknown;
  try {
    value = JSON.parse(body.toString());
  } catch {
    return undefined;
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined;
  const columns = Object.entries(value);
  const types = new Map(columns.filter(([name]) => name.endsWith('@odata.type')));
  const good = columns.every(([name, content]) => {
    if (name.endsWith('@odata.type')) return content === 'Edm.Int64';
    if (typeof content !== 'string' || !/^[A-Za-z_]\w{0,254}$/.test(name)) return false;
    return !types.has(`${name}@odata.type`) || isInt64(content);
  });
  return good ? Object.fromEntries(columns) : undefined;
}

function isInt64(text: string): boolean {
  return /^-?\d{1,19}$/.test(text) && BigInt.asIntN(64, BigInt(text)) === BigInt(text);
}
