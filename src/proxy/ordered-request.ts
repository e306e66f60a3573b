import { changeMembers, type MemberChange, refuseCompressed } from '../bedrock/body-members.ts';
import { enforceGuardrail } from '../bedrock/guardrail-order.ts';
import type { GatewayIds } from '../bedrock/metadata-map.ts';
import { aliasChange, type CalledModel } from '../bedrock/model-aliases.ts';
import { attribute } from '../bedrock/request-metadata.ts';
import type { Operation } from '../bedrock/service.ts';
import { type Counting, usageChanges } from '../bedrock/told-usage.ts';
import type { Orders } from './orders.ts';
import type { Rewrite } from './request-body.ts';

/** A request as it is sent for its caller. */
export interface OrderedRequest {
  readonly headers: Readonly<Record<string, string>>;
  /** Absent where the body stays as it is. */
  readonly rewrite?: Rewrite;
  /** Whether the answer tells tokens that its caller has not asked for: known once the body is rewritten. */
  readonly tellsUnasked: () => boolean;
  /** The model of the body, where aliases are ordered: known once the body is rewritten. */
  readonly modelInBody: () => CalledModel | undefined;
}

/**
 * Carries out the orders that change a request.
 *
 * @param signed headers that will be signed, names in lower case
 * @param attributedTo names the caller to AWS; undefined: nobody is named
 * @param counting whether the tokens of the answer have to be known
 * @throws ProxyError as `enforceGuardrail` and `attribute` do, `invalidRequest` for a body that is compressed
 */
export function orderedRequest(
  operation: Operation,
  signed: Readonly<Record<string, string>>,
  { guardrail, aliases }: Orders,
  attributedTo?: GatewayIds,
  counting?: Counting['budgets'],
): OrderedRequest {
  let called: CalledModel | undefined;
  let unasked = false;
  const onUnasked = () => {
    unasked = true;
  };
  const telling = counting === undefined ? [] : usageChanges(operation, { budgets: counting, onUnasked });
  if (telling.length > 0) refuseCompressed(signed);
  const guarded = guardrail === undefined ? { headers: signed } : enforceGuardrail(operation, signed, guardrail);
  const { headers, change } =
    attributedTo === undefined ? { headers: guarded.headers } : attribute(operation, guarded.headers, attributedTo);
  const { modelMember } = operation;
  const renamed =
    aliases === undefined || modelMember === undefined
      ? undefined
      : aliasChange(modelMember, aliases, (model) => {
          called = model;
        });
  const changes: MemberChange[] = [guarded.change, change, renamed, ...telling].filter((each) => each !== undefined);
  return {
    headers,
    ...(changes.length === 0 ? {} : { rewrite: (body) => changeMembers(body, changes) }),
    tellsUnasked: () => unasked,
    modelInBody: () => called,
  };
}
