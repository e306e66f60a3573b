import { AwsError } from './aws-error.ts';
import { member, parseObject } from './json.ts';

/** A guardrail of the emulated account; it blocks the answer to a prompt that holds its word. */
export interface EmulatedGuardrail {
  readonly id: string;
  readonly arn: string;
  readonly versions: readonly string[];
  readonly word: string;
}

/** What a guardrail did to an answer. */
export interface AppliedGuardrail {
  readonly id: string;
  readonly version: string;
  readonly intervened: boolean;
  /** Whether the answer tells what it found. */
  readonly traced: boolean;
}

/** The guardrails that there are. */
export const GUARDRAILS = [
  guardrail('gr7abc123def', ['1', '3', 'DRAFT'], 'forbidden'),
  guardrail('gr8other', ['1', '3'], 'unwanted'),
] as const;

/** What a guardrail says in the place of an answer. */
export const BLOCKED = 'The guardrail has blocked this answer.';

const IDENTIFIER = /^(?:[a-z0-9]+|arn:aws(?:-[^:]+)?:bedrock:[a-z0-9-]{1,20}:[0-9]{12}:guardrail\/[a-z0-9]+)$/;
const VERSION = /^(?:[1-9][0-9]{0,7}|DRAFT)$/;

/**
 * The guardrail that a request names where its operation takes one, and what it does; undefined where none is applied.
 *
 * @throws AwsError ValidationException for one that is malformed, half named, or does not exist
 */
export function appliedGuardrail(
  operation: string,
  headers: Readonly<Record<string, string>>,
  body: Buffer,
): AppliedGuardrail | undefined {
  const { identifier, version, trace } = namedIn(operation, headers, body);
  if (identifier === undefined && version === undefined) return undefined;
  if (!matches(IDENTIFIER, identifier) || !matches(VERSION, version)) {
    throw invalid('A guardrail needs a valid identifier and a valid version.');
  }
  const found = GUARDRAILS.find(
    ({ id, arn, versions }) => [id, arn].includes(identifier) && versions.includes(version),
  );
  if (found === undefined) {
    throw invalid('The guardrail identifier or version provided in the request does not exist.');
  }
  return {
    id: found.id,
    version,
    intervened: body.toString().toLowerCase().includes(found.word),
    traced: /^enabled(?:_full)?$/i.test(String(trace)),
  };
}

interface Named {
  readonly identifier?: unknown;
  readonly version?: unknown;
  readonly trace?: unknown;
}

function namedIn(operation: string, headers: Readonly<Record<string, string>>, body: Buffer): Named {
  switch (operation) {
    case 'Converse':
    case 'ConverseStream': {
      const config = member(parseObject(body), 'guardrailConfig') ?? {};
      const [identifier, version, trace] = ['guardrailIdentifier', 'guardrailVersion', 'trace'].map(
        (name) => member(config, name) ?? undefined,
      );
      return { identifier, version, trace };
    }
    case 'InvokeModel':
    case 'InvokeModelWithResponseStream':
    case 'ChatCompletions':
    case 'Messages':
      return {
        identifier: headers['x-amzn-bedrock-guardrailidentifier'],
        version: headers['x-amzn-bedrock-guardrailversion'],
        trace: headers['x-amzn-bedrock-trace'],
      };
    default:
      // Responses too: AWS applies none there, whatever the headers say.
      return {};
  }
}

function matches(pattern: RegExp, value: unknown): value is string {
  return typeof value === 'string' && pattern.test(value);
}

function guardrail(id: string, versions: readonly string[], word: string): EmulatedGuardrail {
  return { id, arn: `arn:aws:bedrock:us-east-1:123456789012:guardrail/${id}`, versions, word };
}

function invalid(message: string): AwsError {
  return new AwsError(400, 'ValidationException', message);
}
