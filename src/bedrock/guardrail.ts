/** A guardrail of Amazon Bedrock in one of its versions. */
export interface Guardrail {
  /** Id or ARN. */
  readonly identifier: string;
  /** A number, or `DRAFT`. */
  readonly version: string;
}

/** As AWS's API reference has them (`guardrailIdentifier`, `guardrailVersion` of Converse). */
const ID = '[a-z0-9]+';
const IDENTIFIER = `(?:${ID}|arn:aws(?:-[a-z-]+)?:bedrock:[a-z0-9-]{1,20}:[0-9]{12}:guardrail/${ID})`;
const ORDER = new RegExp(`^(${IDENTIFIER}):([1-9][0-9]{0,7}|DRAFT)$`);
const NAMED = new RegExp(`^${IDENTIFIER}$`);

/** Bedrock's own limit of an identifier, and the version behind it. */
const LONGEST = 2048 + 9;

/** Reads `<id or ARN>:<version>`; undefined when it is nothing of the kind. */
export function parseGuardrail(text: string): Guardrail | undefined {
  const [, identifier = '', version = ''] = (text.length <= LONGEST && ORDER.exec(text)) || [];
  return identifier === '' ? undefined : { identifier, version };
}

/**
 * Whether a client's id or ARN can mean the guardrail. An id is one of the account and the region that are called, so it may
 * be the end of an ARN; two ARNs are the same or are not.
 */
export function mayBe({ identifier }: Guardrail, named: string): boolean {
  if (named === identifier) return true;
  const areArns = named.startsWith('arn:') && identifier.startsWith('arn:');
  return !areArns && NAMED.test(named) && idOf(named) === idOf(identifier);
}

function idOf(identifier: string): string {
  return identifier.slice(identifier.lastIndexOf('/') + 1);
}
