/** A path that is served, as its template. */
export interface ServedPath {
  readonly method: string;
  readonly template: string;
}

/** What a path is called by: the methods of the operations whose path it is; empty where there are none. */
export type MethodsOf = (path: string) => readonly string[];

/** What the proxy answers itself, by GET. The gateway's policy names them too. */
export const OWN_PATHS: readonly string[] = ['/health', '/usage'];

/** First segments that other services of Bedrock have, which people try here. */
const ELSEWHERE: readonly (readonly [text: string, segments: readonly string[]])[] = [
  [
    'Of the control plane only the reading of models, inference profiles and provisioned throughput is served here. ',
    [
      'custom-models',
      'imported-models',
      'guardrails',
      'model-customization-jobs',
      'model-invocation-job',
      'model-invocation-jobs',
    ],
  ],
  [
    'Of agents, flows and knowledge bases only the use is served here, and of their tags nothing. ',
    ['agents', 'flows', 'knowledgebases', 'prompts', 'sessions', 'tags'],
  ],
  [
    'Of AgentCore only the invocation of runtimes can be served here, below /agentcore. ',
    ['agentcore', 'runtimes', 'code-interpreters', 'browsers', 'memories', 'identities', 'gateways'],
  ],
];

/**
 * What to tell whoever called a path that no operation has: what is wrong with it, as far as that can be seen, and what is
 * served. Of the path itself nothing is repeated. The gateway's policy says the same of the paths that it refuses.
 *
 * @param path decoded
 */
export function explainUnknownPath(
  method: string,
  path: string,
  methodsOf: MethodsOf,
  served: readonly ServedPath[],
): string {
  return mistakeIn(method, path, methodsOf) + servedNear(path, served);
}

function mistakeIn(method: string, path: string, methodsOf: MethodsOf): string {
  if (path.includes('//')) return 'There are two slashes in a row: does the base URL end with one too many? ';
  const methods = OWN_PATHS.includes(path) ? ['GET'] : methodsOf(path);
  if (methods.length > 0) return `This path is called by ${methods.join(' or ')}, not by ${method}. `;
  if (path.endsWith('/') && methodsOf(path.slice(0, -1)).length > 0) return 'There is a slash at the end of the path. ';
  if (hasOtherBase(path, methodsOf)) {
    return 'Base URLs of OpenAI clients end with /openai/v1, those of Anthropic clients with /anthropic, or /anthropic/v1 if the client adds /messages alone. ';
  }
  const first = firstSegment(path);
  return ELSEWHERE.find(([, segments]) => segments.includes(first))?.[0] ?? '';
}

/** Whether a client of OpenAI or Anthropic has been given a base URL with too much or too little at its end. */
function hasOtherBase(path: string, methodsOf: MethodsOf): boolean {
  const rest = path.replace(/^(?:\/(?:openai|anthropic|v1)(?=\/))*/, '');
  if (/^\/(?:embeddings|models)$/.test(rest)) return !path.startsWith('/openai/v1/');
  return ['/openai/v1', '/anthropic/v1'].some((base) => methodsOf(base + rest).length > 0);
}

function servedNear(path: string, served: readonly ServedPath[]): string {
  const first = firstSegment(path);
  const near = served.filter(({ template }) => firstSegment(template) === first);
  if (near.length > 0) {
    return `Served below /${first}: ${near.map(({ method, template }) => `${method} ${template}`).join(', ')}.`;
  }
  const roots = new Set(served.map(({ template }) => firstSegment(template)));
  return `Served is Amazon Bedrock: ${[...roots].map((segment) => `/${segment}/...`).join(', ')}, and GET ${OWN_PATHS.join(', ')}.`;
}

function firstSegment(path: string): string {
  return path.split('/', 2)[1] ?? '';
}
