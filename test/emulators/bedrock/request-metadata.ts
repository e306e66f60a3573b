import { AwsError } from './aws-error.ts';
import { member, parseObject } from './json.ts';

/** Header of the Invoke operations; AWS wants it signed (user guide, "Per-request metadata tagging"). */
export const METADATA_HEADER = 'x-amzn-bedrock-request-metadata';

/** Limits of the API model (shape `RequestMetadata`), which the user guide repeats for the header. */
const MOST_ENTRIES = 16;
const KEY = /^[a-zA-Z0-9\s:_@$#=/+,-.]{1,256}$/;
const VALUE = /^[a-zA-Z0-9\s:_@$#=/+,-.]{0,256}$/;

/**
 * The metadata that the invocation log shows for a request; undefined where the operation takes none or it has none.
 *
 * @throws AwsError ValidationException for metadata beyond the limits
 */
export function requestMetadata(
  operation: string,
  headers: Readonly<Record<string, string>>,
  body: Buffer,
): Readonly<Record<string, string>> | undefined {
  const map = mapOf(operation, headers, body);
  if (map === undefined || map === null) return undefined;
  if (typeof map !== 'object' || Array.isArray(map)) throw invalid('it is not a map');
  const entries = Object.entries(map);
  if (entries.length < 1 || entries.length > MOST_ENTRIES) throw invalid(`it has ${entries.length} entries`);
  for (const [key, value] of entries) {
    if (!KEY.test(key)) throw invalid('a key has a length or characters that are not allowed');
    if (typeof value !== 'string' || !VALUE.test(value)) throw invalid('a value is not a string of the allowed form');
  }
  return map as Record<string, string>;
}

function mapOf(operation: string, headers: Readonly<Record<string, string>>, body: Buffer): unknown {
  switch (operation) {
    case 'Converse':
    case 'ConverseStream':
      return member(parseObject(body), 'requestMetadata');
    case 'InvokeModel':
    case 'InvokeModelWithResponseStream': {
      const value = headers[METADATA_HEADER];
      return value === undefined ? undefined : (parseObject(Buffer.from(value)) ?? value);
    }
    default:
      return undefined;
  }
}

function invalid(problem: string): AwsError {
  return new AwsError(400, 'ValidationException', `The request metadata is not valid: ${problem}.`);
}
