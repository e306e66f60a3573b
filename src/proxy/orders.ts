import type { IncomingHttpHeaders } from 'node:http';

import { type Guardrail, parseGuardrail } from '../bedrock/guardrail.ts';
import { type ModelAliases, parseAliases } from '../bedrock/model-aliases.ts';
import { isModelList } from '../callers/allowed-models.ts';
import { gatewayHeader, malformedOrder } from '../gateway-headers.ts';

/** What the gateway orders for the call of a caller, beside budgets, allowed models and role. */
export interface Orders {
  /** That every answer of a model must pass. */
  readonly guardrail?: Guardrail;
  readonly aliases?: ModelAliases;
}

const GUARDRAIL = 'x-gateway-guardrail';
const ALIASES = 'x-gateway-model-aliases';
const MODELS = 'x-gateway-allowed-models';

/** @throws ProxyError `unavailable` for an order that cannot be understood: the operator's mistake, not the caller's */
export function ordersOf(headers: IncomingHttpHeaders): Orders {
  const [guardrail, aliases, models] = ([GUARDRAIL, ALIASES, MODELS] as const).map((name) =>
    gatewayHeader(headers, name),
  );
  // Whom it allows what, the caller knows.
  if (models !== undefined && !isModelList(models)) throw malformedOrder(MODELS, 'it is no list of models');
  return {
    ...(guardrail === undefined ? {} : { guardrail: guardrailOf(guardrail) }),
    ...(aliases === undefined ? {} : { aliases: aliasesOf(aliases) }),
  };
}

function guardrailOf(order: string): Guardrail {
  const guardrail = parseGuardrail(order.trim());
  if (guardrail === undefined) throw malformedOrder(GUARDRAIL, 'it is not of the form <id or ARN>:<version>');
  return guardrail;
}

function aliasesOf(order: string): ModelAliases {
  const aliases = parseAliases(order);
  if (typeof aliases === 'string') throw malformedOrder(ALIASES, aliases);
  return aliases;
}
