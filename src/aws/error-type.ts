import type { AnswerHeaders } from './answer-headers.ts';
import { member } from '../json/member.ts';

/** The error type in an answer's headers, without the namespace before it and the URL behind it (Smithy, restJson1). */
export function errorTypeOf(headers: AnswerHeaders): string | undefined {
  const value = headers['x-amzn-errortype'];
  return value === undefined ? undefined : errorName(String(value));
}

/** True for an answer that is an error: also one of 200, as front ends of AWS have sent them (BerriAI/litellm#8911). */
export function isErrorAnswer({
  status,
  headers,
}: {
  readonly status: number;
  readonly headers: AnswerHeaders;
}): boolean {
  return status >= 400 || errorTypeOf(headers) !== undefined;
}

/** The error type in a parsed error of AWS, or of the OpenAI and Anthropic routes. */
export function errorTypeIn(value: unknown): string | undefined {
  const error = member(value, 'response', 'error') ?? member(value, 'error') ?? value;
  // The type of an error event says no more than that it is one.
  const names = ['__type', 'type', 'code'].map((name) => member(error, name)).filter((name) => name !== 'error');
  const name = names.find((each) => typeof each === 'string');
  return typeof name === 'string' ? errorName(name) : undefined;
}

/** The bare name in what AWS writes as `namespace#Name:URL`; undefined when it is no name. */
export function errorName(text: string): string | undefined {
  const name = text.split(':', 1)[0]?.split('#').at(-1)?.trim() ?? '';
  return /^[\w.-]{1,100}$/.test(name) ? name : undefined;
}
