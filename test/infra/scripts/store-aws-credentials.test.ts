import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { keyOf } from '../../../infra/scripts/key-input.ts';
import { keyInVault } from '../../../infra/scripts/vault.ts';
import { azureCli, runScript, type ScriptResult, type ScriptRun } from './run-script.ts';
import { credentialOf, startVault, type VaultOfTest } from './vault-of-test.ts';

const id = 'AKIAIOSFODNN7EXAMPLE';
const secret = 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY';
const keys = { accessKeyId: id, secretAccessKey: secret };
const DAY = 86_400;

let vault: VaultOfTest;
let pauses: number[];
let said: string[];

beforeEach(async () => {
  vault = await startVault();
  pauses = [];
  said = [];
});
afterEach(() => vault.close());

describe('the vault', () => {
  const access = (onPause = () => {}) =>
    keyInVault({
      vault: vault.url,
      secretName: 'aws-credentials',
      credential: credentialOf(vault.token),
      say: (line) => said.push(line),
      now: () => Date.UTC(2026, 0, 1),
      pause: async (milliseconds) => {
        pauses.push(milliseconds);
        onPause();
      },
    });

  it('gets one secret of JSON that the function reads, with the day on which it ends', async () => {
    await access().store(keys, 90);
    const stored = vault.find('aws-credentials');
    expect(JSON.parse(stored?.value ?? '')).toStrictEqual(keys);
    // The end of the id, for `npm run verify -- … --aws`, and no more of the key.
    expect(stored?.tags).toStrictEqual({ 'aws-access-key-id-ends-with': 'MPLE' });
    expect(stored?.contentType).toBe('application/json');
    expect(stored?.attributes.exp).toBe(Date.UTC(2026, 0, 1) / 1000 + 90 * DAY);
    expect(await access().accessKeyId()).toBe(id);
  });

  it('keeps one version enabled', async () => {
    for (const accessKeyId of ['AKIA1', 'AKIA2', 'AKIA3']) await access().store({ ...keys, accessKeyId }, 90);
    expect(vault.versions('aws-credentials').map(({ attributes }) => attributes.enabled)).toStrictEqual([
      false,
      false,
      true,
    ]);
    expect(await access().accessKeyId()).toBe('AKIA3');
  });

  it('says absent for a secret that is not there, and does not for one that cannot be looked at', async () => {
    expect(await access().accessKeyId()).toBeUndefined();
    vault.fail(500);
    await expect(access().accessKeyId()).rejects.toThrow('Failed on demand');
  });

  it('is waited for until the role has reached it', async () => {
    vault.revokeRole();
    let left = 2;
    const waiting = access(() => {
      left -= 1;
      if (left === 0) vault.grantRole();
    });
    await waiting.store(keys, 90);
    expect(pauses).toStrictEqual([30_000, 30_000]);
    expect(said).toStrictEqual([`Waiting for the role assignment on the vault ${vault.url} ...`]);
    expect(vault.versions('aws-credentials')).toHaveLength(1);
  });

  it('is given up after ten minutes, with what it has said', async () => {
    vault.revokeRole();
    await expect(access().store(keys, 90)).rejects.toThrow('Caller is not authorized');
    expect(pauses).toHaveLength(19);
  });

  it('is not waited for when it lets nobody in from here', async () => {
    vault.refuseNetwork();
    await expect(access().store(keys, 90)).rejects.toThrow('vaultAllowedAddresses');
    expect(pauses).toStrictEqual([]);
  });
});

describe('a key', () => {
  it.each([
    ['three lines', `${id}\n${secret}\n\n`, keys],
    ['two lines', `${id}\n${secret}`, keys],
    [
      'Windows line ends, and a session token',
      `${id}\r\n${secret}\r\nIQoJb3JpZ2luX2VjEA/+==\r\n`,
      { ...keys, sessionToken: 'IQoJb3JpZ2luX2VjEA/+==' },
    ],
    [
      "AWS's own JSON",
      JSON.stringify({ AccessKey: { UserName: 'u', AccessKeyId: id, SecretAccessKey: secret } }),
      keys,
    ],
    ['the same behind a byte order mark', `\uFEFF${JSON.stringify(keys)}`, keys],
  ])('is taken as %s', (_, input, expected) => {
    expect(keyOf(input)).toStrictEqual(expected);
  });

  it.each([
    ['nothing', ''],
    ['an empty id', `\n${secret}\n\n`],
    ['an id with a quotation mark', `AKIA"\n${secret}\n\n`],
    ['no secret', `${id}\n`],
    ['a secret with a backslash', `${id}\nabc\\\n\n`],
    ['a token with a quotation mark', `${id}\n${secret}\na"b\n`],
    ['JSON without a key', '{"other": "wJalrXUtnFEMI"}'],
    ['JSON that is cut', `{"accessKeyId": "${id}", "secretAccessKey": "${secret}`],
  ])('is not taken as %s, which no message quotes', (_, input) => {
    let message = '';
    try {
      keyOf(input);
    } catch (error) {
      message = String(error);
    }
    expect(message).toMatch(/^SetupError: /);
    expect(message).not.toContain('wJalr');
  });
});

describe('the script', () => {
  const store = async (options: ScriptRun = {}): Promise<ScriptResult> => {
    const commands = { az: azureCli(vault.token) };
    const result = await runScript('store-aws-credentials.ts', {
      env: { AZURE_KEY_VAULT_NAME: vault.url },
      commands,
      ...options,
    });
    expect(result.stdout + result.stderr).not.toContain(secret);
    expect(result.stderr).not.toMatch(/^\s+at /m);
    return result;
  };
  const held = () => JSON.parse(vault.find('aws-credentials')?.value ?? 'null');

  it('stores what is piped in', async () => {
    const { status, stderr } = await store({ input: `${id}\n${secret}\n` });
    expect([status, held()]).toStrictEqual([0, keys]);
    expect(stderr).toBe(`Stored the key ${id} as aws-credentials in the vault ${vault.url}, for 90 days.\n`);
  });

  it('reads from a terminal without echo, and leaves the terminal as it was', async () => {
    const { status, stdout } = await store({
      typed: { 'access key id: ': id, 'secret access key: ': secret, 'token (empty for none): ': '' },
    });
    expect(stdout).toContain('AWS secret access key: ');
    expect(stdout).toMatch(/ echo /);
    expect([status, held()]).toStrictEqual([0, keys]);
  });

  it('gives the terminal back when it is interrupted at a prompt', async () => {
    const { status, stdout } = await store({ typed: { 'access key id: ': id, 'secret access key: ': '\u0003' } });
    expect(status).not.toBe(0);
    expect(stdout).toMatch(/ echo /);
    expect(held()).toBeNull();
  });

  it('as a hook asks for nothing when the secret is there', async () => {
    vault.set('aws-credentials', JSON.stringify(keys));
    const { status, stderr } = await store({ args: ['--if-missing'] });
    expect(status).toBe(0);
    expect(stderr).toContain('already holds aws-credentials');
  });

  it('as a hook without a terminal says what to do, and lets the deployment go on', async () => {
    const { status, stderr } = await store({ args: ['--if-missing'] });
    expect([status, held()]).toStrictEqual([0, null]);
    expect(stderr).toContain('store-aws-credentials.ts');
  });

  it.each([
    ['in a network that is closed', 'does not accept calls from this network', () => vault.refuseNetwork()],
    ['to which there is no role', 'has no role on it', () => vault.revokeRole()],
  ])('as a hook lets the deployment go on with a vault %s, which says nothing of the key', async (_, why, spoil) => {
    vault.set('aws-credentials', JSON.stringify(keys));
    spoil();
    const { status, stderr } = await store({ args: ['--if-missing'] });
    expect(status).toBe(0);
    expect(stderr).toContain(`cannot be seen from here: `);
    expect(stderr).toContain(`${why}. The deployment goes on.`);
    expect(stderr).not.toContain('already holds');
    expect(stderr).not.toContain('holds no AWS key');
  });

  it('without being a hook fails at a vault that does not let it in', async () => {
    vault.refuseNetwork();
    const { status, stderr } = await store({ input: `${id}\n${secret}\n` });
    expect(status).toBe(1);
    expect(stderr).toContain('vaultAllowedAddresses');
  });

  it('as a hook fails where the vault says something else', async () => {
    vault.fail(400);
    expect((await store({ args: ['--if-missing'] })).status).toBe(1);
  });

  it('as a hook has nothing to do in a deployment without a vault', async () => {
    const { status, stderr } = await store({ env: { AZURE_KEY_VAULT_NAME: '' }, args: ['--if-missing'] });
    expect(status).toBe(0);
    expect(stderr).toContain('no AWS key');
    expect((await store({ env: { AZURE_KEY_VAULT_NAME: '' }, input: '' })).status).toBe(1);
  });

  it('stores nothing of a bad key', async () => {
    const { status, stderr } = await store({ input: `AKIA"\n${secret}\n` });
    expect([status, held()]).toStrictEqual([1, null]);
    expect(stderr).toBe('An access key id consists of capital letters and digits.\n');
  });

  it('needs to know the vault', async () => {
    const { status, stderr } = await store({ env: {}, input: '' });
    expect([status, stderr]).toStrictEqual([1, 'Set AZURE_KEY_VAULT_NAME: the name of the vault.\n']);
  });

  it('stops when interrupted while it waits', async () => {
    vault.revokeRole();
    const { status } = await store({ input: `${id}\n${secret}\n`, interruptAt: 'Waiting for the role' });
    expect([status, held()]).toStrictEqual([130, null]);
  });
});
