import type { HttpFunction } from './messages.ts';

/** A function and where it is served. */
export interface Route {
  readonly name: string;
  /** Template with the prefix, without a leading slash. */
  readonly route: string;
  /** Upper case. */
  readonly methods: readonly string[];
  readonly authLevel: string;
}

interface Segment {
  readonly kind: 'literal' | 'parameter' | 'catchAll';
  /** The parameter's name, or the literal in lower case. */
  readonly name: string;
  readonly optional: boolean;
}

export interface CompiledRoute extends Route {
  readonly segments: readonly Segment[];
}

export interface RouteMatch {
  readonly route: Route;
  readonly values: Readonly<Record<string, string>>;
}

/** First segments that the host keeps for itself (azure-functions-host, `ScriptHost.ValidateHttpFunction`). */
const RESERVED = /^(?:admin|runtime)(?:\/|$)/i;

/**
 * The functions' routes in the order in which the host tries them, which is that of their names: a catch-all hides
 * every function that sorts after it. Functions on reserved routes are left out. Templates may have literal segments,
 * `{name}`, `{name?}` and a last `{*name}`; another one throws.
 */
export function createRoutes(functions: readonly HttpFunction[], prefix: string): CompiledRoute[] {
  return functions
    .filter(({ name, route }) => !RESERVED.test(route ?? name))
    .toSorted((a, b) => compareOrdinal(a.name.toUpperCase(), b.name.toUpperCase()))
    .map(({ name, route, methods, authLevel }) => {
      const template = [prefix, route || name].filter(Boolean).join('/');
      return {
        name,
        route: template,
        methods: methods.map((method) => method.toUpperCase()),
        authLevel,
        segments: template.split('/').map(compileSegment),
      };
    });
}

function compareOrdinal(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}

function compileSegment(text: string): Segment {
  const [, stars, name = '', optional] = /^\{(\**)(\w+)(\??)\}$/.exec(text) ?? [];
  if (stars === undefined) {
    if (/[{}]/.test(text)) throw new Error(`Route segment not supported: ${text}`);
    return { kind: 'literal', name: text.toLowerCase(), optional: false };
  }
  return { kind: stars === '' ? 'parameter' : 'catchAll', name, optional: optional === '?' };
}

/**
 * The first route for a path and method, as ASP.NET Core's `TemplateMatcher` finds it; literals match in any case. A
 * path that fits only with another method has no route, so the answer is 404 and never 405.
 */
export function matchRoute(routes: readonly CompiledRoute[], method: string, path: string): RouteMatch | undefined {
  for (const route of routes) {
    const values = route.methods.includes(method) ? matchSegments(route.segments, path) : undefined;
    if (values) return { route, values };
  }
  return undefined;
}

function matchSegments(segments: readonly Segment[], path: string): Record<string, string> | undefined {
  const values: Record<string, string> = {};
  let rest = path.slice(1);
  for (const { kind, name, optional } of segments) {
    // An empty segment matches nothing, the start of a catch-all included; so `//x` has no route.
    if (rest.startsWith('/')) return undefined;
    if (kind === 'catchAll') {
      if (rest !== '') values[name] = rest;
      return values;
    }
    const slash = rest.indexOf('/');
    const value = slash === -1 ? rest : rest.slice(0, slash);
    if (kind === 'literal' ? value.toLowerCase() !== name : value === '' && !optional) return undefined;
    if (kind === 'parameter' && value !== '') values[name] = value;
    rest = slash === -1 ? '' : rest.slice(slash + 1);
  }
  return rest === '' ? values : undefined;
}
