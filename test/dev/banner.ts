import type { Target } from './environment.ts';
import { type ClientSettings, snippets } from './snippets.ts';

/** What is printed at the start: what runs where, and how to call it. */
export function banner(target: Target, client: ClientSettings): string {
  const calls = snippets(client).map(({ client: name, lines }) => `--- ${name}${lines}`);
  return [
    `Bedrock proxy   ${client.url}`,
    `API key         ${client.key} (another one at every start)`,
    `Bedrock         ${describe(target)}`,
    '',
    ...calls.flatMap((call) => [call, '']),
    'Ctrl-C stops it. Requests that reach the function:',
    '',
  ].join('\n');
}

function describe(target: Target): string {
  if (target.bedrock === 'emulated') {
    return (
      'emulated: any model id, always the same answer, nothing to pay\n' +
      '                With AWS_REGION and AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY or KEY_VAULT_URI: the real one'
    );
  }
  const { credentials, origin } = target;
  const from = credentials.source === 'keyVault' ? credentials.vault.uri : 'the environment';
  return `${origin}, with the AWS keys of ${from}: calls cost money`;
}
