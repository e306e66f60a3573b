import { type MemberChange, refuseCompressed } from './body-members.ts';
import { entriesIn, type GatewayIds, mapOf } from './metadata-map.ts';
import type { Operation } from './service.ts';

const HEADER = 'x-amzn-bedrock-request-metadata';
const MEMBER = 'requestMetadata';

/** What becomes of a request that names its caller to AWS. */
export interface Attribution {
  readonly headers: Readonly<Record<string, string>>;
  /** What becomes of its body. Absent where that stays as it is. */
  readonly change?: MemberChange;
}

/**
 * Puts the gateway's ids into a request where the operation takes them, beside the client's own entries. Where AWS
 * documents no metadata nothing is added; a header that a client sends there loses the entries that are the proxy's.
 *
 * @param headers that will be signed, names in lower case
 * @throws ProxyError `invalidRequest` for a header that is no JSON map of strings, too many entries, or a body that is
 *   compressed
 */
export function attribute(
  { metadata }: Operation,
  headers: Readonly<Record<string, string>>,
  ids: GatewayIds,
): Attribution {
  const { [HEADER]: sent, ...others } = headers;
  const value = headerValue(sent, metadata === 'header' ? ids : {});
  const attributed = value === undefined ? others : { ...others, [HEADER]: value };
  if (metadata !== 'body') return { headers: attributed };
  refuseCompressed(headers);
  return { headers: attributed, change: metadataChange(ids) };
}

function headerValue(sent: string | undefined, ids: GatewayIds): string | undefined {
  const own = sent === undefined ? [] : entriesIn(sent, `The header ${HEADER}`);
  const map = mapOf(own, ids);
  if (map === undefined) return sent;
  if (map === '') return undefined;
  return map.replaceAll(/[^\x20-\x7e]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

/** Puts the ids into the member `requestMetadata` of a body. Anything may stand behind the object. */
function metadataChange(ids: GatewayIds): MemberChange {
  return {
    name: MEMBER,
    change(value) {
      if (value === undefined) return mapOf([], ids);
      // In AWS's protocol null is no map. Nothing else that is valid begins like it.
      const isNull = value[0] === 0x6e;
      const map = mapOf(isNull ? [] : entriesIn(value.toString(), `"${MEMBER}"`), ids);
      return map === '' ? 'null' : map;
    },
  };
}
