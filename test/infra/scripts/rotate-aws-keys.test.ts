import { describe, expect, it } from 'vitest';

import { runScript, type ScriptResult, type ScriptRun } from './run-script.ts';
import type { StubReply, StubRule } from './stub-command.ts';

const oldId = 'AKIAOLDOLDOLDOLDOLD1';
const newId = 'AKIANEWNEWNEWNEWNEW2';
const newSecret = 'newSecretAccessKey/EXAMPLE+0123456789abcd';
const oldSecret = 'oldSecretAccessKey/EXAMPLE+0123456789abcd';
const env = { AWS_IAM_USER_NAME: 'bedrock-proxy', AZURE_KEY_VAULT_NAME: 'kv-contoso', AWS_PROFILE: 'admin' };

const vault = (...ids: string[]): StubRule => ({
  command: 'az keyvault secret show',
  replies: ids.map((accessKeyId) => ({ stdout: `${JSON.stringify({ accessKeyId, secretAccessKey: oldSecret })}\n` })),
});
const row = (id: string, status: string, year: number) => `${id}\t${status}\t${year}-01-01T00:00:00+00:00\n`;
const keys = (...replies: string[]): StubRule => ({
  command: 'aws iam list-access-keys',
  replies: replies.map((stdout) => ({ stdout })),
});
const creates: StubRule = {
  command: 'aws iam create-access-key',
  replies: [{ stdout: `${newId}\t${newSecret}\n` }],
};
const probes = (...replies: StubReply[]): StubRule => ({ command: 'aws sts get-caller-identity', replies });
const refused = { status: 254, stderr: 'InvalidClientTokenId' };

const rotated = keys(row(oldId, 'Active', 2025), row(newId, 'Active', 2026) + row(oldId, 'Inactive', 2025));

async function rotate(rules: readonly StubRule[], options: ScriptRun = {}): Promise<ScriptResult> {
  const result = await runScript('rotate-aws-keys.sh', { env, rules, ...options });
  // Neither secret is ever printed or part of a command line.
  const visible = result.stdout + result.stderr + result.calls.map(({ line }) => line).join('\n');
  for (const secret of [oldSecret, newSecret]) expect(visible).not.toContain(secret);
  return result;
}

/** What was done, in words: the calls that change something, and the waits. */
const deeds = ({ calls }: ScriptResult) =>
  calls.flatMap(({ line }) => {
    const [, action] = /^aws iam ((?:create|update|delete)-.*)$/.exec(line) ?? [];
    if (action !== undefined)
      return action.replace(/ --(query|output).*$/, '').replace('--user-name bedrock-proxy ', '');
    if (line.startsWith('az keyvault secret set')) return 'store';
    return line.startsWith('sleep') ? line : [];
  });

describe('rotate-aws-keys.sh', () => {
  it('creates, proves, stores, waits, disables, pauses, deletes, in this order', async () => {
    const result = await rotate([vault(oldId), rotated, creates]);
    expect(result.stderr).toContain(`Deleted the old key ${oldId}`);
    expect(result.status).toBe(0);
    expect(deeds(result)).toEqual([
      'create-access-key --user-name bedrock-proxy',
      'sleep 2',
      'sleep 2',
      'sleep 2',
      'store',
      'sleep 360',
      `update-access-key --access-key-id ${oldId} --status Inactive`,
      'sleep 300',
      `delete-access-key --access-key-id ${oldId}`,
    ]);
    expect(result.calls.find(({ line }) => line.includes('secret set'))?.stdin).toBe(
      JSON.stringify({ accessKeyId: newId, secretAccessKey: newSecret }),
    );
  });

  it('waits longer than the function keeps a key, and as long as it is told', async () => {
    const times = { CREDENTIALS_REFRESH_SECONDS: '900', ROTATION_PAUSE_SECONDS: '3600' };
    const result = await rotate([vault(oldId), rotated, creates], { env: { ...env, ...times } });
    expect(deeds(result)).toEqual(expect.arrayContaining(['sleep 960', 'sleep 3600']));
  });

  it('proves the new key by itself, until AWS has accepted it three times in a row', async () => {
    const result = await rotate([vault(oldId), rotated, creates, probes(refused, {}, {}, refused, {}, {}, {})]);
    const probing = result.calls.filter(({ line }) => line.startsWith('aws sts'));
    expect(probing).toHaveLength(7);
    expect(new Set(probing.map(({ awsAccessKeyId }) => awsAccessKeyId))).toEqual(new Set([newId]));
    // The operator's own identity does the rest.
    const iam = result.calls.filter(({ line }) => line.startsWith('aws iam'));
    expect(iam.every(({ awsAccessKeyId }) => awsAccessKeyId === undefined)).toBe(true);
  });

  it('deletes the new key when AWS never accepts it, and leaves the old one', async () => {
    const result = await rotate([vault(oldId), rotated, creates, probes(refused)]);
    expect(result.status).toBe(1);
    expect(deeds(result).filter((deed) => !deed.startsWith('sleep'))).toEqual([
      'create-access-key --user-name bedrock-proxy',
      `delete-access-key --access-key-id ${newId}`,
    ]);
  });

  it('deletes the new key when the vault refuses it', async () => {
    const set = { command: 'az keyvault secret set', replies: [{ status: 1, stderr: 'ERROR: (Conflict)' }] };
    const result = await rotate([vault(oldId), rotated, creates, set]);
    expect(result.status).toBe(1);
    expect(deeds(result).at(-1)).toBe(`delete-access-key --access-key-id ${newId}`);
    expect(deeds(result).join()).not.toContain(oldId);
  });

  it('deletes the new key when it is interrupted before the vault has it', async () => {
    const sleeping = { command: 'sleep 2', replies: [{ hold: true as const }] };
    const result = await rotate([vault(oldId), rotated, creates, sleeping], { interruptAt: 'sleep is waiting' });
    expect(result.status).toBe(130);
    expect(deeds(result).at(-1)).toBe(`delete-access-key --access-key-id ${newId}`);
  });

  it('keeps the new key when the vault has it although the answer was lost', async () => {
    const set = { command: 'az keyvault secret set', replies: [{ status: 1, stderr: 'Connection aborted.' }] };
    const result = await rotate([vault(oldId, newId), rotated, creates, set]);
    expect(result.status).toBe(1);
    expect(deeds(result).join()).not.toContain('delete');
  });

  it('keeps the new key, and both in place, when it is interrupted while it waits', async () => {
    const sleeping = { command: 'sleep 360', replies: [{ hold: true as const }] };
    const result = await rotate([vault(oldId, newId), rotated, creates, sleeping], { interruptAt: 'sleep is waiting' });
    expect(result.status).toBe(130);
    expect(deeds(result).at(-1)).toBe('sleep 360');
  });

  it('finishes a rotation that was interrupted after the vault had the new key', async () => {
    const both = row(oldId, 'Active', 2025) + row(newId, 'Active', 2026);
    const after = row(newId, 'Active', 2026) + row(oldId, 'Inactive', 2025);
    const result = await rotate([vault(newId), keys(both, after)]);
    expect(result.status).toBe(0);
    expect(deeds(result)).toEqual([
      'sleep 360',
      `update-access-key --access-key-id ${oldId} --status Inactive`,
      'sleep 300',
      `delete-access-key --access-key-id ${oldId}`,
    ]);
  });

  it('finishes a rotation that was interrupted in the pause', async () => {
    const result = await rotate([vault(newId), keys(row(newId, 'Active', 2026) + row(oldId, 'Inactive', 2025))]);
    expect(result.status).toBe(0);
    expect(deeds(result)).toEqual(['sleep 300', `delete-access-key --access-key-id ${oldId}`]);
  });

  it('keeps an old key that somebody has enabled again during the pause', async () => {
    const active = row(newId, 'Active', 2026) + row(oldId, 'Active', 2025);
    const result = await rotate([vault(newId), keys(active)]);
    expect(result.status).toBe(1);
    expect(result.stderr).toContain('in use elsewhere');
    expect(deeds(result).join()).not.toContain('delete');
  });

  const lost = 'AKIALOSTLOSTLOSTLOS3';
  const twoKeys = row(lost, 'Active', 2026) + row(oldId, 'Active', 2025);
  const lastUsed = (service: string): StubRule => ({
    command: `aws iam get-access-key-last-used --access-key-id ${lost}`,
    replies: [{ stdout: `${service}\n` }],
  });

  it.each(['N/A', 'sts'])(
    'makes room by deleting a newer key that never reached the vault (last use: %s)',
    async (service) => {
      const after = row(oldId, 'Inactive', 2025);
      const result = await rotate([vault(oldId), keys(twoKeys, after), lastUsed(service), creates]);
      expect(result.status).toBe(0);
      expect(deeds(result).slice(0, 2)).toEqual([
        `delete-access-key --access-key-id ${lost}`,
        'create-access-key --user-name bedrock-proxy',
      ]);
      expect(deeds(result).at(-1)).toBe(`delete-access-key --access-key-id ${oldId}`);
    },
  );

  it('touches nothing when a second key is in use elsewhere', async () => {
    const result = await rotate([vault(oldId), keys(twoKeys), lastUsed('s3')]);
    expect(result.status).toBe(1);
    expect(result.stderr).toContain(`${lost}, that is in use for s3`);
    expect(deeds(result)).toEqual([]);
  });

  it.each([
    ['the vault holds no key', [vault()], 'holds no AWS key'],
    [
      'the key in the vault is of another user',
      [vault(newId), keys(row(oldId, 'Active', 2025))],
      'is not one of the user',
    ],
    [
      'the keys cannot be listed',
      [vault(oldId), { command: 'aws iam list', replies: [{ status: 254, stderr: 'AccessDenied' }] }],
      'AccessDenied',
    ],
  ])('touches nothing when %s', async (_, rules, message) => {
    const result = await rotate(rules);
    expect(result.status).not.toBe(0);
    expect(result.stderr).toContain(message);
    expect(deeds(result)).toEqual([]);
  });
});
