import { authenticationManagedIdentity, setBackendService } from './backend-statements.ts';
import { base, choose, setVariable } from './control-flow.ts';
import { cors } from './cors.ts';
import { UnsupportedPolicyError } from './errors.ts';
import type { Step } from './exchange.ts';
import { forwardRequest } from './forward-request.ts';
import { ipFilter } from './ip-filter.ts';
import { quota, rateLimit } from './limits.ts';
import { quotaByKey, rateLimitByKey } from './limits-by-key.ts';
import { returnResponse, setStatus } from './return-response.ts';
import { setHeader } from './set-header.ts';
import { setQueryParameter } from './set-query-parameter.ts';
import { elementsOf, reject, type Environment, type Scope, type Section, type Statement } from './statement.ts';
import { parseXml, type XmlElement } from './xml.ts';

const STATEMENTS: ReadonlyMap<string, Statement> = new Map([
  ['base', base],
  ['choose', choose],
  ['set-variable', setVariable],
  ['return-response', returnResponse],
  ['set-status', setStatus],
  ['set-header', setHeader],
  ['set-query-parameter', setQueryParameter],
  ['set-backend-service', setBackendService],
  ['authentication-managed-identity', authenticationManagedIdentity],
  ['forward-request', forwardRequest],
  ['rate-limit', rateLimit],
  ['quota', quota],
  ['rate-limit-by-key', rateLimitByKey],
  ['quota-by-key', quotaByKey],
  ['ip-filter', ipFilter],
  ['cors', cors],
]);

const SECTIONS: readonly Section[] = ['inbound', 'backend', 'outbound', 'on-error'];

/** A policy document ready to run. */
export type Policy = Readonly<Record<Section, readonly Step[]>> & {
  /** What answers a preflight request: the `cors` directly in `inbound`. */
  readonly preflight: Step | undefined;
};

/**
 * Compiles a policy document.
 *
 * @param namedValues put in place of `{{name}}` as text, wherever it stands, as API Management does
 * @throws UnsupportedPolicyError or SyntaxError for a statement, attribute or expression that is not known, a statement
 *   in a section that does not allow it, a named value that does not exist, a section that is missing
 */
export function compilePolicy(
  text: string,
  namedValues: Readonly<Record<string, string>>,
  environment: Environment,
): Policy {
  const root = parseXml(substitute(text, namedValues));
  if (root.name !== 'policies') reject(root, 'the root element must be <policies>');
  const sections = new Map(elementsOf(root).map((section) => [section.name, section]));
  if (sections.size !== elementsOf(root).length || [...sections.keys()].some((name) => !isSection(name))) {
    reject(root, `only ${SECTIONS.join(', ')} are allowed, once each`);
  }
  const seen = new Set<string>();
  const compileSection = (section: Section): readonly Step[] => {
    const compileChildren = (parent: XmlElement): readonly Step[] =>
      elementsOf(parent).map((element) => {
        checkPlace(element, section, environment.scope, seen);
        return statementOf(element).compile(element, environment, compileChildren, section);
      });
    return compileChildren(sections.get(section) ?? reject(root, `<${section}> is missing`));
  };
  const inbound = compileSection('inbound');
  const places = elementsOf(sections.get('inbound') ?? root).map(({ name }) => name);
  return {
    inbound,
    preflight: inbound[places.indexOf('cors')],
    backend: compileSection('backend'),
    outbound: compileSection('outbound'),
    'on-error': compileSection('on-error'),
  };
}

function isSection(name: string): name is Section {
  return SECTIONS.some((section) => section === name);
}

function substitute(text: string, namedValues: Readonly<Record<string, string>>): string {
  return text.replaceAll(/\{\{(.*?)\}\}/g, (_, name: string) => {
    const value = Object.hasOwn(namedValues, name) ? namedValues[name] : undefined;
    if (value === undefined) throw new UnsupportedPolicyError(`there is no named value ${name}`);
    return value;
  });
}

function statementOf(element: XmlElement): Statement {
  return STATEMENTS.get(element.name) ?? reject(element, 'this statement is not known');
}

/** @param seen names of the statements before this one that may stand only once in a document */
function checkPlace(element: XmlElement, section: Section, scope: Scope, seen: Set<string>): void {
  const { sections, scopes, once } = statementOf(element);
  if (!sections.includes(section)) reject(element, `not allowed in <${section}>`);
  if (scopes !== undefined && !scopes.includes(scope)) reject(element, `not allowed at ${scope} scope`);
  if (once === true && seen.has(element.name)) reject(element, 'allowed only once in a policy');
  if (once === true) seen.add(element.name);
}
