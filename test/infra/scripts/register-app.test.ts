import { describe, expect, it } from 'vitest';

import { runScript, type ScriptRun } from './run-script.ts';
import type { StubRule } from './stub-command.ts';

const client = '11111111-1111-1111-1111-111111111111';
const uri = `api://${client}`;

const found = (stdout: string): StubRule => ({ command: 'az ad app list', replies: [{ stdout }] });
const created: StubRule = { command: 'az ad app create', replies: [{ stdout: `${client}\n` }] };
const version = (stdout: string): StubRule => ({
  command: `az ad app show --id ${client} --query api.requestedAccessTokenVersion`,
  replies: [{ stdout }],
});
const uris = (stdout: string): StubRule => ({
  command: `az ad app show --id ${client} --query identifierUris[]`,
  replies: [{ stdout }],
});
const principal = (status: number): StubRule => ({ command: 'az ad sp show', replies: [{ status }] });

const register = (rules: readonly StubRule[], options: ScriptRun = {}) =>
  runScript('register-app.sh', { env: { AZURE_ENV_NAME: 'prod' }, rules, ...options });

/** The calls that change something. */
const changes = (calls: readonly { line: string }[]) =>
  calls
    .map(({ line }) => line.replace(/ --(only-show-errors|output none)/g, ''))
    .filter((line) => !/ (list|show) /.test(line));

describe('register-app.sh', () => {
  it('makes a registration with version 2 tokens, its id URI and a service principal, and tells azd', async () => {
    const { status, stdout, calls } = await register([found(''), created, version('2\n'), uris(''), principal(3)]);
    expect(status).toBe(0);
    expect(stdout).toBe(`${client}\n`);
    expect(calls[0]?.line).toContain("--filter displayName eq 'bedrock-proxy-prod'");
    expect(changes(calls)).toEqual([
      'az ad app create --display-name bedrock-proxy-prod --sign-in-audience AzureADMyOrg' +
        ' --requested-access-token-version 2 --query appId --output tsv',
      `az ad app update --id ${client} --identifier-uris ${uri}`,
      `az ad sp create --id ${client}`,
      `azd env set PROXY_APP_CLIENT_ID ${client} --environment prod`,
    ]);
  });

  it('changes nothing at a complete one', async () => {
    const rules = [found(`${client}\n`), version('2\n'), uris(`${uri}\n`), principal(0)];
    const { status, stdout, calls } = await register(rules);
    expect(status).toBe(0);
    expect(stdout).toBe(`${client}\n`);
    expect(changes(calls)).toEqual([`azd env set PROXY_APP_CLIENT_ID ${client} --environment prod`]);
  });

  it('completes one that was begun, and keeps the id URIs it has', async () => {
    const rules = [found(`${client}\n`), version(''), uris('api://contoso\nhttps://contoso.com/app\n'), principal(3)];
    const { status, calls } = await register(rules);
    expect(status).toBe(0);
    expect(changes(calls).slice(0, 3)).toEqual([
      `az ad app update --id ${client} --requested-access-token-version 2`,
      `az ad app update --id ${client} --identifier-uris api://contoso https://contoso.com/app ${uri}`,
      `az ad sp create --id ${client}`,
    ]);
  });

  it('takes the one it is told, without a search', async () => {
    const { status, calls } = await register([version('2\n'), uris(`${uri}\n`)], {
      env: { PROXY_APP_CLIENT_ID: client },
    });
    expect(status).toBe(0);
    expect(calls.map(({ line }) => line.split(' ').slice(0, 4).join(' '))).toEqual([
      'az ad app show',
      'az ad app show',
      'az ad sp show',
    ]);
  });

  it('waits until the directory shows what it has just made', async () => {
    const notYet = { status: 3, stderr: `Resource '${client}' does not exist or one of its queried references` };
    const show = { command: 'az ad app show', replies: [notYet, notYet, { stdout: '2\n' }, { stdout: `${uri}\n` }] };
    const { status, calls } = await register([found(''), created, show]);
    expect(status).toBe(0);
    expect(calls.filter(({ line }) => line === 'sleep 5')).toHaveLength(2);
  });

  it('stops at an error that waiting does not help, and prints no client id', async () => {
    const denied = { status: 1, stderr: 'Insufficient privileges to complete the operation.' };
    const rules = [found(`${client}\n`), version(''), { command: 'az ad app update', replies: [denied] }];
    const { status, stdout, stderr, calls } = await register(rules);
    expect(status).toBe(1);
    expect(stdout).toBe('');
    expect(stderr).toContain('Insufficient privileges');
    expect(calls.at(-1)?.line).toContain('az ad app update');
  });

  it('does not choose among several of the same name', async () => {
    const { status, stderr, calls } = await register([found(`${client}\n22222222-2222-2222-2222-222222222222\n`)]);
    expect(status).toBe(1);
    expect(stderr).toContain('PROXY_APP_CLIENT_ID');
    expect(calls).toHaveLength(1);
  });

  it('does nothing when callers show a function key', async () => {
    const { status, calls } = await register([], { env: { AZURE_ENV_NAME: 'prod', CALLER_AUTH: 'functionKey' } });
    expect(status).toBe(0);
    expect(calls).toEqual([]);
  });
});
