import { UnsupportedPolicyError } from './errors.ts';
import { runSteps, type Exchange, type Outcome } from './exchange.ts';
import { compilePolicy, type Policy } from './policy.ts';
import type { Environment, Scope, Section } from './statement.ts';

/** How the function knows its caller: the deployment's parameter of that name. */
export type CallerAuth = 'entra' | 'functionKey';

export interface PolicyTexts {
  /** Policy of the API, as in the repository. */
  readonly api: string;
  /** Policy of all APIs and of the product; absent: what API Management starts with. */
  readonly globalPolicy: string | undefined;
  readonly productPolicy: string | undefined;
  readonly callerAuth: CallerAuth;
  readonly namedValues: Readonly<Record<string, string>>;
  readonly environment: Omit<Environment, 'base' | 'scope' | 'counters'>;
}

/** The policy of all APIs in a new instance: it is the `forward-request` here that buffers. */
const INITIAL_GLOBAL_POLICY =
  '<policies><inbound /><backend><forward-request /></backend><outbound /><on-error /></policies>';

const NOTHING: Environment['base'] = { inbound: [], backend: [], outbound: [], 'on-error': [] };

/**
 * The API's policy inside those of its product and of all APIs. The product's runs only for a subscription to the
 * product ("Subscriptions in Azure API Management").
 *
 * @throws UnsupportedPolicyError or SyntaxError
 */
export function compilePolicies(texts: PolicyTexts): Policy {
  const { api, callerAuth, environment, namedValues, productPolicy } = texts;
  const counters: Environment['counters'] = { rate: new Map(), quota: new Map() };
  const compile = (scope: Scope, text: string, base: Environment['base']) =>
    compilePolicy(text, namedValues, { ...environment, counters, scope, base });
  const global = compile('global', texts.globalPolicy ?? INITIAL_GLOBAL_POLICY, NOTHING);
  const product = productPolicy === undefined ? global : compile('product', productPolicy, global);
  const around = (section: Section) => [
    (exchange: Exchange): Promise<Outcome> =>
      runSteps((exchange.subscription?.productId === undefined ? global : product)[section], exchange),
  ];
  const own = compile('api', callerAuth === 'entra' ? api : withoutManagedIdentity(api), {
    inbound: around('inbound'),
    backend: around('backend'),
    outbound: around('outbound'),
    'on-error': around('on-error'),
  });
  // The product is not known yet: a preflight request brings no key.
  return { ...own, preflight: own.preflight ?? global.preflight };
}

const MANAGED_IDENTITY = '<authentication-managed-identity resource="{{bedrock-proxy-audience}}" />';

/** The one change that the deployment makes to the policy where the backend sends a function key. */
function withoutManagedIdentity(policy: string): string {
  if (policy.split(MANAGED_IDENTITY).length !== 2) {
    throw new UnsupportedPolicyError(`the policy does not hold this statement once: ${MANAGED_IDENTITY}`);
  }
  return policy.replace(MANAGED_IDENTITY, '');
}
