import { describe, expect, it } from 'vitest';

import { runScript, type ScriptResult, type ScriptRun } from './run-script.ts';

const id = 'AKIAIOSFODNN7EXAMPLE';
const secret = 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY';
const env = { AZURE_KEY_VAULT_NAME: 'kv-contoso' };
const set =
  'az keyvault secret set --vault-name kv-contoso --name aws-credentials --file /dev/stdin --encoding utf-8' +
  ' --content-type application/json --output none --only-show-errors';
const forbidden = { status: 1, stderr: 'ERROR: (Forbidden) Caller is not authorized. "code": "ForbiddenByRbac"' };
const missing = { status: 3, stderr: 'ERROR: (SecretNotFound) A secret with (name/id) aws-credentials was not found.' };

const store = (options: ScriptRun = {}) =>
  runScript('store-aws-credentials.sh', { env, input: `${id}\n${secret}\n\n`, ...options });

/** The secret goes through pipes only. */
function expectHidden({ stdout, stderr, calls }: ScriptResult): void {
  expect(stdout + stderr + calls.map(({ line }) => line).join('\n')).not.toContain(secret);
}

describe('store-aws-credentials.sh', () => {
  it('stores one JSON secret that the function reads', async () => {
    const result = await store();
    expect(result.status).toBe(0);
    expect(result.calls).toEqual([{ line: set, stdin: JSON.stringify({ accessKeyId: id, secretAccessKey: secret }) }]);
    expectHidden(result);
  });

  it('has nothing to do as a hook of a deployment without a vault', async () => {
    const { status, calls, stderr } = await store({ env: { AZURE_KEY_VAULT_NAME: '' }, args: ['--if-missing'] });
    expect([status, calls]).toStrictEqual([0, []]);
    expect(stderr).toContain('no AWS key');
    expect((await store({ env: { AZURE_KEY_VAULT_NAME: '' } })).status).not.toBe(0);
  });

  it('stores a session token, under another name, from a file with Windows line ends', async () => {
    const { status, calls } = await store({
      env: { ...env, AWS_CREDENTIALS_SECRET_NAME: 'other' },
      input: `${id}\r\n${secret}\r\nIQoJb3JpZ2luX2VjEA/+==\r\n`,
    });
    expect(status).toBe(0);
    expect(calls).toEqual([
      {
        line: set.replace('aws-credentials', 'other'),
        stdin: JSON.stringify({ accessKeyId: id, secretAccessKey: secret, sessionToken: 'IQoJb3JpZ2luX2VjEA/+==' }),
      },
    ]);
  });

  it('reads from a terminal without echo, and leaves the terminal as it was', async () => {
    const result = await store({
      typed: { 'access key id: ': id, 'secret access key: ': secret, 'token (empty for none): ': '' },
    });
    expect(result.status).toBe(0);
    expect(result.stdout).toContain('AWS secret access key: ');
    expect(result.stdout).toMatch(/ echo /);
    expect(result.calls[0]?.stdin).toBe(JSON.stringify({ accessKeyId: id, secretAccessKey: secret }));
    expectHidden(result);
  });

  it('gives the terminal back when it is interrupted at a prompt', async () => {
    const { status, stdout, calls } = await store({
      typed: { 'access key id: ': id, 'secret access key: ': '\u0003' },
    });
    expect(status).toBe(130);
    expect(stdout).toMatch(/ echo /);
    expect(calls).toEqual([]);
  });

  it('shows nothing of the secret when somebody traces the shell', async () => {
    const result = await store({ trace: true });
    expect(result.stderr).toContain('+ set +x');
    expectHidden(result);
  });

  it('waits until the role has reached the vault', async () => {
    const result = await store({ rules: [{ command: 'az keyvault', replies: [forbidden, forbidden, {}] }] });
    expect(result.status).toBe(0);
    expect(result.calls.map(({ line }) => line)).toEqual([set, 'sleep 30', set, 'sleep 30', set]);
    // The whole secret at each attempt: a pipe is empty after the first.
    expect(new Set(result.calls.flatMap(({ stdin }) => stdin ?? [])).size).toBe(1);
    expectHidden(result);
  });

  it('gives up after ten minutes, with what the vault said', async () => {
    const result = await store({ rules: [{ command: 'az keyvault', replies: [forbidden] }] });
    expect(result.status).toBe(1);
    expect(result.calls.filter(({ line }) => line === 'sleep 30')).toHaveLength(19);
    expect(result.stderr).toContain('ForbiddenByRbac');
    expectHidden(result);
  });

  it.each(['ForbiddenByConnection', 'ForbiddenByFirewall'])(
    'does not wait at %s, and says what helps',
    async (code) => {
      const replies = [
        { status: 1, stderr: `ERROR: (Forbidden) Public network access is disabled. "code": "${code}"` },
      ];
      const result = await store({ rules: [{ command: 'az keyvault', replies }] });
      expect(result.status).toBe(1);
      expect(result.calls).toHaveLength(1);
      expect(result.stderr).toContain('vaultAllowedAddresses');
      expectHidden(result);
    },
  );

  it('does not try another error again', async () => {
    const replies = [
      { status: 1, stderr: 'ERROR: (Conflict) Secret is currently in a deleted but recoverable state.' },
    ];
    const result = await store({ rules: [{ command: 'az keyvault', replies }] });
    expect(result.status).toBe(1);
    expect(result.calls).toHaveLength(1);
    expect(result.stderr).toContain('recoverable state');
    expectHidden(result);
  });

  it.each([
    ['an empty id', `\n${secret}\n\n`],
    ['an id with a quotation mark', `AKIA"\n${secret}\n\n`],
    ['no secret', `${id}\n`],
    ['a secret with a backslash', `${id}\nabc\\\n\n`],
    ['a token with a quotation mark', `${id}\n${secret}\na"b\n`],
  ])('refuses %s', async (_, input) => {
    const { status, calls } = await store({ input });
    expect(status).toBe(1);
    expect(calls).toEqual([]);
  });

  it('needs to know the vault', async () => {
    const { status, stderr } = await store({ env: {} });
    expect(status).not.toBe(0);
    expect(stderr).toContain('AZURE_KEY_VAULT_NAME');
  });

  it('with --if-missing asks for nothing when the secret is there', async () => {
    const { status, calls } = await store({ args: ['--if-missing'], input: '' });
    expect(status).toBe(0);
    expect(calls.map(({ line }) => line)).toEqual([
      'az keyvault secret show --vault-name kv-contoso --name aws-credentials --query id --output tsv --only-show-errors',
    ]);
  });

  it('with --if-missing waits for the role, then stores a secret that is not there', async () => {
    const rules = [{ command: 'az keyvault secret show', replies: [forbidden, missing] }];
    const { status, calls } = await store({ args: ['--if-missing'], rules });
    expect(status).toBe(0);
    expect(calls.map(({ line }) => line.split(' ').slice(0, 4).join(' '))).toEqual([
      'az keyvault secret show',
      'sleep 30',
      'az keyvault secret show',
      'az keyvault secret set',
    ]);
  });

  it('with --if-missing stores nothing when it cannot tell', async () => {
    const rules = [{ command: 'az keyvault secret show', replies: [{ status: 1, stderr: 'Please run az login' }] }];
    const { status, stderr, calls } = await store({ args: ['--if-missing'], rules });
    expect(status).toBe(1);
    expect(stderr).toContain('Please run az login');
    expect(calls).toHaveLength(1);
  });

  it('stops when interrupted while it waits', async () => {
    const rules = [
      { command: 'az keyvault', replies: [forbidden] },
      { command: 'sleep', replies: [{ hold: true as const }] },
    ];
    const result = await store({ rules, interruptAt: 'sleep is waiting' });
    expect(result.status).not.toBe(0);
    expect(result.calls).toHaveLength(2);
    expectHidden(result);
  });
});
