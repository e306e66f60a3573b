import { EMULATED_MODELS } from './emulated-models.ts';
import type { Target } from './environment.ts';
import { type ClientSettings, snippets } from './snippets.ts';

/** What is running, and what that depends on. */
export interface Started {
  readonly target: Target;
  readonly client: ClientSettings;
  /** `local.settings.json` is there. */
  readonly fromFile: boolean;
  /** AWS_PROFILE is set, which neither the proxy nor Core Tools read. */
  readonly profile: boolean;
}

const LABEL = 13;

/** What is printed at the start: what runs where, and how to call it. At most 19 lines of 80 columns. */
export function banner(started: Started): string {
  const { target, client, fromFile } = started;
  const [curl] = snippets(client);
  return [
    '',
    row('Endpoint', client.url),
    row('API key', `${client.key} (another one at every start)`),
    ...(client.certificate === undefined ? [] : [row('Certificate', client.certificate)]),
    row('Bedrock', ...describe(started)),
    ...(fromFile ? [row('Settings', 'those of the environment, then those of local.settings.json')] : []),
    ...(target.bedrock === 'emulated' ? [row('Faults', ...faultNames())] : []),
    '',
    curl?.text ?? '',
    '',
    'AWS SDKs and CLI: AWS_ENDPOINT_URL_BEDROCK_RUNTIME is the endpoint,',
    'AWS_BEARER_TOKEN_BEDROCK the key. More calls to paste: npm run dev -- snippets',
    'Ctrl-C stops it. A line for each request:',
  ].join('\n');
}

/** Calls to paste for every client, and the model ids that make them fail. */
export function pasteboard(client: ClientSettings, target: Target): string {
  const calls = snippets(client).map(
    ({ title, note, text }) => `\n--- ${title}${note === undefined ? '' : `: ${note}`}\n${text}`,
  );
  if (target.bedrock === 'real') return calls.join('\n');
  const width = Math.max(...EMULATED_MODELS.map(({ modelId }) => modelId.length));
  const models = EMULATED_MODELS.map(({ modelId, meets }) => `${modelId.padEnd(width)}  ${meets}`);
  return [...calls, '\n--- Model ids for what goes wrong', ...models].join('\n');
}

function row(label: string, ...lines: readonly string[]): string {
  return label.padEnd(LABEL) + lines.join(`\n${' '.repeat(LABEL)}`);
}

function describe({ target, profile }: Started): string[] {
  if (target.bedrock === 'real') {
    const { credentials, origin } = target;
    const { base } = credentials;
    const from = base.source === 'keyVault' ? base.vault.uri : 'the settings';
    return [origin, `AWS keys of ${from}, calls cost money`];
  }
  return [
    'emulated: any model id, always the same answer, nothing to pay',
    ...(profile
      ? [
          'AWS_PROFILE is not read. For the real one, with AWS_REGION set:',
          'eval "$(aws configure export-credentials --format env)"',
        ]
      : ['The real one: AWS_REGION and AWS keys or KEY_VAULT_URI, in the', 'environment or in local.settings.json']),
  ];
}

function faultNames(): string[] {
  const names = EMULATED_MODELS.map(({ modelId }) => modelId.replace('emulated', ''));
  return [`model ids emulated${names.slice(0, 4).join(', ')},`, names.slice(4).join(', ')];
}
