import { ProxyError } from '../errors.ts';
import { changeMembers, type MemberChange, refuseCompressed } from './body-members.ts';
import { type Guardrail, mayBe } from './guardrail.ts';
import type { Operation } from './service.ts';

const IDENTIFIER_HEADER = 'x-amzn-bedrock-guardrailidentifier';
const VERSION_HEADER = 'x-amzn-bedrock-guardrailversion';
const MEMBER = 'guardrailConfig';

/** Bytes of a `guardrailConfig`: far more than AWS's has. It is copied, so it must not be long. */
const LONGEST_CONFIG = 65_536;

/** What becomes of a request that must pass a guardrail. */
export interface Guarded {
  readonly headers: Readonly<Record<string, string>>;
  /** What becomes of its body. Absent where that stays as it is. */
  readonly change?: MemberChange;
}

/**
 * Puts the ordered guardrail into a request. What the client says of the same one beside its name stays: trace, processing
 * of a stream. What is sent names it in the form of the order always, because an id and an ARN with that id need not be
 * the same guardrail.
 *
 * @param headers that will be signed, names in lower case
 * @throws ProxyError `accessDenied` when the client names another guardrail, or the operation generates and takes none;
 *   `invalidRequest` for a body that is compressed
 */
export function enforceGuardrail(
  { guardrail: place }: Pick<Operation, 'guardrail'>,
  headers: Readonly<Record<string, string>>,
  guardrail: Guardrail,
): Guarded {
  if (place === 'needless') return { headers };
  if (place !== 'headers' && place !== 'body') {
    throw new ProxyError('accessDenied', 'Your subscription must use a guardrail, which this operation does not take.');
  }
  const { [IDENTIFIER_HEADER]: identifier, [VERSION_HEADER]: version, ...others } = headers;
  if (identifier !== undefined) checkIdentifier(identifier, guardrail);
  if (version !== undefined) checkVersion(version, guardrail);
  if (place === 'headers') {
    return {
      headers: { ...others, [IDENTIFIER_HEADER]: guardrail.identifier, [VERSION_HEADER]: guardrail.version },
    };
  }
  refuseCompressed(headers);
  return { headers: others, change: { name: MEMBER, alone: true, change: (config) => guarded(config, guardrail) } };
}

/** The member `guardrailConfig`, of which everything stays but the name of the guardrail. */
function guarded(config: Buffer | undefined, guardrail: Guardrail): string {
  // In AWS's protocol null is no value. Nothing else that is valid begins like it.
  if (config === undefined || config[0] === 0x6e) {
    const { identifier: guardrailIdentifier, version: guardrailVersion } = guardrail;
    return JSON.stringify({ guardrailIdentifier, guardrailVersion });
  }
  if (config.length > LONGEST_CONFIG) throw invalid(`"${MEMBER}" is too long.`);
  const pieces = changeMembers(
    config,
    [
      {
        name: 'guardrailIdentifier',
        change: naming(guardrail.identifier, (named) => checkIdentifier(named, guardrail)),
      },
      { name: 'guardrailVersion', change: naming(guardrail.version, (named) => checkVersion(named, guardrail)) },
    ],
    `"${MEMBER}"`,
  );
  return Buffer.concat(pieces).toString();
}

/** What stands there is checked, if anything does, and the ordered one sent. */
function naming(ordered: string, check: (named: string) => void): MemberChange['change'] {
  return (value) => {
    const named: unknown = value === undefined ? null : JSON.parse(value.toString());
    if (typeof named === 'string') check(named);
    else if (named !== null) throw invalid(`What "${MEMBER}" names must be a string.`);
    return named === ordered ? undefined : JSON.stringify(ordered);
  };
}

function checkIdentifier(named: string, guardrail: Guardrail): void {
  if (!mayBe(guardrail, named)) throw another();
}

function checkVersion(named: string, { version }: Guardrail): void {
  if (named !== version) throw another();
}

function another(): ProxyError {
  return new ProxyError('accessDenied', 'Your subscription must use another guardrail than the one of the request.');
}

function invalid(message: string): ProxyError {
  return new ProxyError('invalidRequest', message);
}
