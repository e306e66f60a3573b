import { AwsError } from './aws-error.ts';

/** The member at the end of `path`, or undefined where anything on the way is missing or no object. */
export function member(value: unknown, ...path: readonly string[]): unknown {
  return path.reduce<unknown>(
    (current, name) =>
      typeof current === 'object' && current !== null && Object.hasOwn(current, name)
        ? (current as Record<string, unknown>)[name]
        : undefined,
    value,
  );
}

/** A JSON object, or undefined for anything else. */
export function parseObject(body: Buffer): object | undefined {
  try {
    const value: unknown = JSON.parse(body.toString('utf8'));
    return typeof value === 'object' && value !== null ? value : undefined;
  } catch {
    return undefined;
  }
}

/** A JSON object, or Bedrock's 400 for a body that is none. */
export function requireObject(body: Buffer): object {
  const value = parseObject(body);
  if (value === undefined) {
    throw new AwsError(
      400,
      'ValidationException',
      'Malformed input request, please reformat your input and try again.',
    );
  }
  return value;
}
