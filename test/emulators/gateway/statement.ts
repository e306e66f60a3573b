import type { Counters } from './counters.ts';
import { ExpressionError, PolicyError, UnsupportedPolicyError } from './errors.ts';
import type { Exchange, Step } from './exchange.ts';
import { compileExpression } from './expression.ts';
import { asBoolean, asString, type Value } from './expression-values.ts';
import { policyContext } from './policy-context.ts';
import type { XmlElement } from './xml.ts';

/** Where a policy document is attached. */
export type Scope = 'global' | 'product' | 'api';

export type Section = 'inbound' | 'backend' | 'outbound' | 'on-error';

/** A token for a resource, of the instance's own identity or of the user-assigned one with that client id. */
export type ManagedIdentityToken = (resource: string, clientId?: string) => Promise<string>;

/** What compiled statements reach outside of the policy text. */
export interface Environment {
  readonly scope: Scope;
  /** Base URL of a backend entity, and the headers of its credentials. */
  readonly backends: Readonly<
    Record<string, { readonly url: string; readonly headers: Readonly<Record<string, string>> }>
  >;
  readonly managedIdentityToken: ManagedIdentityToken | undefined;
  /** Of `rate-limit-by-key` and `quota-by-key`, shared by all scopes. */
  readonly counters: { readonly rate: Counters; readonly quota: Counters };
  /** Milliseconds since 1970, by which limits count. */
  readonly now: () => number;
  /** What `<base />` stands for in each section. */
  readonly base: Readonly<Record<Section, readonly Step[]>>;
}

/** Compiles the statements inside an element of a section. */
export type CompileChildren = (parent: XmlElement) => readonly Step[];

/** A statement API Management knows, and the sections its reference allows it in. */
export interface Statement {
  readonly sections: readonly Section[];
  /** Scopes it is allowed at; absent: at every one. */
  readonly scopes?: readonly Scope[];
  /** "This policy can be used only once per policy definition." */
  readonly once?: true;
  readonly compile: (
    element: XmlElement,
    environment: Environment,
    children: CompileChildren,
    section: Section,
  ) => Step;
}

/** Attributes and child elements are as the policy reference of the statement says, or an error. */
export function reject(element: XmlElement, problem: string): never {
  throw new UnsupportedPolicyError(`line ${element.line}: <${element.name}>: ${problem}`);
}

/**
 * The attributes of a statement.
 *
 * @throws UnsupportedPolicyError when a required one is missing or one is there that is neither required nor optional
 */
export function attributesOf<Required extends string, Optional extends string = never>(
  element: XmlElement,
  required: readonly Required[],
  optional: readonly Optional[] = [],
): Record<Required, string> & Partial<Record<Optional, string>> {
  const known: ReadonlySet<string> = new Set([...required, ...optional]);
  const unknown = [...element.attributes.keys()].find((name) => !known.has(name));
  if (unknown !== undefined) reject(element, `attribute ${unknown} is not known`);
  const missing = required.find((name) => !element.attributes.has(name));
  if (missing !== undefined) reject(element, `attribute ${missing} is required`);
  return Object.fromEntries(element.attributes) as Record<Required, string> & Partial<Record<Optional, string>>;
}

/** The child elements; text between them is an error. */
export function elementsOf(element: XmlElement): readonly XmlElement[] {
  return element.children.flatMap((child) => {
    if (child.kind === 'element') return [child];
    return child.text.trim() === '' ? [] : reject(element, `text "${child.text.trim()}" is not allowed here`);
  });
}

/** The text of an element that may hold nothing else. */
export function textOf(element: XmlElement): string {
  return element.children
    .map((child) => (child.kind === 'text' ? child.text : reject(element, `<${child.name}> is not allowed here`)))
    .join('')
    .trim();
}

/** Reads a value for one request. */
export type Read<T> = (exchange: Exchange) => T;

/** An attribute or text that may be an expression; without one it is a string. */
export function compileValue(element: XmlElement, text: string): Read<Value> {
  const trimmed = text.trim();
  if (!trimmed.includes('@(') && !trimmed.includes('@{')) return () => trimmed;
  if (!trimmed.startsWith('@(') || !trimmed.endsWith(')')) {
    return reject(element, 'an expression must be the whole value and of the form @(…)');
  }
  const evaluate = compileExpression(trimmed.slice(2, -1));
  return (exchange) => {
    try {
      return evaluate(policyContext(exchange));
    } catch (error) {
      if (!(error instanceof ExpressionError)) throw error;
      throw new PolicyError({
        source: element.name,
        reason: 'ExpressionValueEvaluationFailure',
        status: 500,
        message: `Expression evaluation failed. ${error.message}`,
      });
    }
  };
}

export function compileString(element: XmlElement, text: string): Read<string> {
  const read = compileValue(element, text);
  return (exchange) => asString(read(exchange));
}

/** A condition: an expression of type bool. */
export function compileCondition(element: XmlElement, text: string): Read<boolean> {
  const read = compileValue(element, text);
  return (exchange) => asBoolean(read(exchange));
}
