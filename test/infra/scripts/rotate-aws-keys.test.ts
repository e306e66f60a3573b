import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';

import { keysOf } from '../../../infra/scripts/iam.ts';
import { rotate, type Rotation } from '../../../infra/scripts/rotation.ts';
import { keyInVault } from '../../../infra/scripts/vault.ts';
import { type Iam, startIam, type UserKey } from '../../emulators/iam/iam.ts';
import { azureCli, runScript } from './run-script.ts';
import { credentialOf, startVault, type VaultOfTest } from './vault-of-test.ts';

const administrator = {
  accessKeyId: 'AKIAADMINISTRATOR01',
  secretAccessKey: 'administrator/EXAMPLE+0123456789abcdefgh',
};
const SECRET = 'aws-credentials';
const year = (at: number) => new Date(Date.UTC(at, 0, 1));

let iam: Iam;
let vaults: VaultOfTest[];
let old: UserKey;
/** What was done and waited for, in this order. */
let story: string[];
let said: string[];

beforeEach(async () => {
  iam = await startIam({ userName: 'bedrock-proxy', accountId: '111122223333', administrator });
  vaults = [await startVault(), await startVault()];
  old = iam.addKey({ createdAt: year(2025) });
  for (const vault of vaults) hold(vault, old);
  story = [];
  said = [];
  for (const [name, value] of Object.entries(awsEnvironment())) vi.stubEnv(name, value);
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await Promise.all([iam, ...vaults].map((each) => each.close()));
});

const awsEnvironment = () => ({
  AWS_ACCESS_KEY_ID: administrator.accessKeyId,
  AWS_SECRET_ACCESS_KEY: administrator.secretAccessKey,
  AWS_ENDPOINT_URL_IAM: iam.url,
  AWS_ENDPOINT_URL_STS: iam.url,
});

function hold(vault: VaultOfTest, { accessKeyId, secretAccessKey }: UserKey): void {
  vault.set(SECRET, JSON.stringify({ accessKeyId, secretAccessKey }));
}

const heldIn = (vault: VaultOfTest | undefined): string => JSON.parse(vault?.find(SECRET)?.value ?? '{}').accessKeyId;

/** Rotates; `at` is told of every wait, before it is over. */
function rotating(options: Partial<Rotation> = {}, at: (seconds: number) => void = () => {}): Promise<void> {
  const pause = async (milliseconds: number) => {
    const seconds = milliseconds / 1000;
    story.push(...iam.deeds.slice(story.filter((line) => !line.startsWith('wait')).length), `wait ${seconds}`);
    at(seconds);
  };
  const tell = (line: string) => void said.push(line);
  return rotate({
    keys: keysOf('bedrock-proxy'),
    vaults: vaults.map((vault) =>
      keyInVault({ vault: vault.url, secretName: SECRET, credential: credentialOf(vault.token), pause, say: tell }),
    ),
    refreshSeconds: 60,
    pauseSeconds: 60,
    expiresInDays: 90,
    compromised: false,
    pause,
    say: tell,
    ...options,
  }).finally(() => {
    story.push(...iam.deeds.slice(story.filter((line) => !line.startsWith('wait')).length));
    // Neither half of a key that is secret is ever said.
    for (const key of [old, ...iam.keys]) expect(said.join('\n')).not.toContain(key.secretAccessKey);
  });
}

describe('rotate-aws-keys', () => {
  it('creates, proves, stores, waits, disables, pauses, deletes, in this order', async () => {
    await rotating();
    const [fresh] = iam.keys;
    expect(iam.keys).toHaveLength(1);
    expect(vaults.map(heldIn)).toStrictEqual([fresh?.accessKeyId, fresh?.accessKeyId]);
    expect(story).toStrictEqual([
      `CreateAccessKey ${fresh?.accessKeyId}`,
      'wait 2',
      'wait 2',
      'wait 2',
      'wait 60',
      'wait 60',
      `UpdateAccessKey ${old.accessKeyId}`,
      'wait 60',
      `DeleteAccessKey ${old.accessKeyId}`,
    ]);
    expect(said).toContain('Until every instance of the function has read the new key: 2 min');
  });

  it('has the key in every vault before it waits, and the old one good until then', async () => {
    let atFirstMinute: unknown;
    await rotating({}, (seconds) => {
      if (seconds === 60) atFirstMinute ??= [...vaults.map(heldIn), old.active];
    });
    const fresh = iam.keys[0]?.accessKeyId;
    expect(atFirstMinute).toStrictEqual([fresh, fresh, true]);
  });

  it('proves the new key by itself, until AWS has accepted it three times in a row', async () => {
    iam.lagFor(4);
    await rotating();
    expect(story.filter((line) => line === 'wait 2')).toHaveLength(7);
  });

  it('deletes the new key when AWS never accepts it, and leaves the old one', async () => {
    iam.lagFor(1000);
    await expect(rotating()).rejects.toThrow('AWS does not accept the new key.');
    expect(iam.keys).toStrictEqual([old]);
    expect(vaults.map(heldIn)).toStrictEqual([old.accessKeyId, old.accessKeyId]);
  });

  it('deletes the new key when no vault takes it', async () => {
    await expect(
      rotating({}, (seconds) => {
        if (seconds === 2) for (const vault of vaults) vault.refuseNetwork();
      }),
    ).rejects.toThrow('does not accept calls from this network');
    // A vault that cannot be asked may have it.
    expect(iam.keys).toHaveLength(2);
    expect(old.active).toBe(true);
  });

  it('deletes the new key when it is interrupted before a vault has it', async () => {
    await expect(
      rotating({}, () => {
        throw new DOMException('Interrupted', 'AbortError');
      }),
    ).rejects.toThrow('Interrupted');
    expect(iam.keys).toStrictEqual([old]);
  });

  it('leaves the old key when the endpoint is not well with the new one', async () => {
    const endpointTrouble = async () => '503 AWS does not accept the credentials of this proxy.';
    await expect(rotating({ endpointTrouble })).rejects.toThrow('The old key stays.');
    expect(old.active).toBe(true);
    expect(iam.keys).toHaveLength(2);
  });

  it.each(['', 'of an earlier run '])(
    'enables the old key %sagain, instead of deleting it, when the endpoint fails without it',
    async (earlier) => {
      if (earlier !== '') {
        const fresh = iam.addKey({ createdAt: year(2026) });
        for (const vault of vaults) hold(vault, fresh);
        old.active = false;
      }
      const endpointTrouble = async () => (old.active ? undefined : '503 AWS does not accept the credentials.');
      await expect(rotating({ endpointTrouble })).rejects.toThrow('is enabled again, and stays.');
      expect(old.active).toBe(true);
      expect(iam.keys).toHaveLength(2);
    },
  );

  it('never gives a stolen key back, and says what to do when the endpoint fails without it', async () => {
    const endpointTrouble = async () => '503 AWS does not accept the credentials.';
    await expect(rotating({ compromised: true, endpointTrouble })).rejects.toThrow('The stolen key stays deleted.');
    expect(story.slice(-4)).toStrictEqual([
      `UpdateAccessKey ${old.accessKeyId}`,
      `DeleteAccessKey ${old.accessKeyId}`,
      `PutUserPolicy ${heldIn(vaults[0])}`,
      'wait 60',
    ]);
  });

  it('finishes a rotation that was interrupted after the vaults had the new key', async () => {
    const fresh = iam.addKey({ createdAt: year(2026) });
    for (const vault of vaults) hold(vault, fresh);
    await rotating();
    expect(iam.keys).toStrictEqual([fresh]);
    expect(story).toStrictEqual([
      'wait 60',
      'wait 60',
      `UpdateAccessKey ${old.accessKeyId}`,
      'wait 60',
      `DeleteAccessKey ${old.accessKeyId}`,
    ]);
  });

  it.each([0, 1])('finishes a rotation that had reached one vault of two only (%i)', async (reached) => {
    const fresh = iam.addKey({ createdAt: year(2026) });
    hold(vaults[reached] as VaultOfTest, fresh);
    await rotating();
    expect(iam.keys).toStrictEqual([fresh]);
    expect(vaults.map((vault) => JSON.parse(vault.find(SECRET)?.value ?? ''))).toStrictEqual(
      vaults.map(() => ({ accessKeyId: fresh.accessKeyId, secretAccessKey: fresh.secretAccessKey })),
    );
    expect(story.slice(0, 2)).toStrictEqual(['wait 60', 'wait 60']);
  });

  it('stores no key in other vaults that was disabled', async () => {
    const fresh = iam.addKey({ createdAt: year(2026), active: false });
    hold(vaults[0] as VaultOfTest, fresh);
    await expect(rotating()).rejects.toThrow('different keys');
    expect(heldIn(vaults[1])).toBe(old.accessKeyId);
  });

  it('finishes a rotation that was interrupted in the pause', async () => {
    const fresh = iam.addKey({ createdAt: year(2026) });
    for (const vault of vaults) hold(vault, fresh);
    old.active = false;
    await rotating();
    expect(story).toStrictEqual(['wait 60', `DeleteAccessKey ${old.accessKeyId}`]);
  });

  it('keeps an old key that somebody has enabled again during the pause', async () => {
    await expect(
      rotating({}, () => {
        if (iam.deeds.some((deed) => deed.startsWith('Update'))) old.active = true;
      }),
    ).rejects.toThrow('in use elsewhere');
    expect(iam.keys).toHaveLength(2);
  });

  it.each([undefined, 'sts'])(
    'makes room by deleting a newer key that never reached a vault (last use: %s)',
    async (lastUsedFor) => {
      const lost = iam.addKey({ createdAt: year(2026), ...(lastUsedFor === undefined ? {} : { lastUsedFor }) });
      await rotating();
      expect(story[0]).toBe(`DeleteAccessKey ${lost.accessKeyId}`);
      expect(iam.keys).toHaveLength(1);
      expect(heldIn(vaults[0])).toBe(iam.keys[0]?.accessKeyId);
    },
  );

  it('touches nothing when a second key is in use elsewhere', async () => {
    const other = iam.addKey({ createdAt: year(2026), lastUsedFor: 's3' });
    await expect(rotating()).rejects.toThrow(`${other.accessKeyId}, that is in use for s3`);
    expect(iam.deeds).toStrictEqual([]);
  });

  it.each<[string, () => void, string]>([
    ['a vault holds no key', () => vaults[1]?.remove(SECRET), 'holds no AWS key'],
    [
      'the vaults hold different keys',
      () => hold(vaults[1] as VaultOfTest, { ...old, accessKeyId: 'AKIAOTHER' }),
      'different keys',
    ],
    [
      'the key in the vaults is of another user',
      () => vaults.forEach((vault) => hold(vault, { ...old, accessKeyId: 'AKIAOTHER' })),
      'is not one of the user',
    ],
    ['the keys cannot be listed', () => iam.fail(403, 'AccessDenied'), 'Failed on demand'],
  ])('touches nothing when %s', async (_, spoil, message) => {
    spoil();
    await expect(rotating()).rejects.toThrow(message);
    expect(iam.deeds).toStrictEqual([]);
  });

  it('of a key that somebody else has ends it at once, and the sessions made of it', async () => {
    await rotating({ compromised: true, now: () => year(2026) });
    const [fresh] = iam.keys;
    expect(story).toStrictEqual([
      `CreateAccessKey ${fresh?.accessKeyId}`,
      'wait 2',
      'wait 2',
      'wait 2',
      `UpdateAccessKey ${old.accessKeyId}`,
      `DeleteAccessKey ${old.accessKeyId}`,
      `PutUserPolicy ${fresh?.accessKeyId}`,
    ]);
    expect(JSON.parse(iam.policies.get('deny-older-sessions') ?? '').Statement[0]).toMatchObject({
      Effect: 'Deny',
      // Ahead of the clock: for some minutes AWS still makes sessions of a key that is disabled.
      Condition: { DateLessThan: { 'aws:TokenIssueTime': '2026-01-01T00:15:00.000Z' } },
    });
    expect(said.join('\n')).toContain(`AttributeValue=${old.accessKeyId}`);
  });

  it.each([true, false])('says that sessions of roles go on (policy taken: %s)', async (taken) => {
    if (!taken) iam.policies.set('bedrock', 'x'.repeat(2048));
    await rotating({ compromised: true }).catch(() => {});
    expect(said.join('\n')).toMatch(/Sessions of roles[^]*Revoke active sessions/);
  });

  it('deletes the stolen key also where IAM takes no further inline policy, and says what is to be done', async () => {
    iam.policies.set('bedrock', JSON.stringify({ Sid: 'x'.repeat(1900) }, undefined, 2));
    await expect(rotating({ compromised: true, now: () => year(2026) })).rejects.toThrow(
      /LimitExceeded[^]*"aws:TokenIssueTime":"2026-01-01T00:15:00\.000Z"[^]*attach-user-policy --user-name bedrock-proxy/,
    );
    expect(iam.keys.map(({ accessKeyId }) => accessKeyId)).toStrictEqual([heldIn(vaults[0])]);
    expect(heldIn(vaults[0])).not.toBe(old.accessKeyId);
  });

  it.each([true, false])(
    'leaves neither key when the vaults had the newer of two (older active: %s)',
    async (active) => {
      const stolen = iam.addKey({ createdAt: year(2026) });
      for (const vault of vaults) hold(vault, stolen);
      old.active = active;
      await rotating({ compromised: true });
      const [fresh] = iam.keys;
      expect(iam.keys).toHaveLength(1);
      expect([old.accessKeyId, stolen.accessKeyId]).not.toContain(fresh?.accessKeyId);
      expect(vaults.map(heldIn)).toStrictEqual([fresh?.accessKeyId, fresh?.accessKeyId]);
    },
  );
});

describe('the script', () => {
  const environment = () => ({
    ...awsEnvironment(),
    AWS_IAM_USER_NAME: 'bedrock-proxy',
    AZURE_KEY_VAULT_NAME: vaults[0]?.url ?? '',
    CREDENTIALS_REFRESH_SECONDS: '0',
    ROTATION_PAUSE_SECONDS: '0',
  });
  const commands = () => ({ az: azureCli(vaults[0]?.token ?? '') });

  it('ends a leaked key, with what is to be done next', async () => {
    const { status, stderr } = await runScript('rotate-aws-keys.ts', {
      args: ['--compromised'],
      env: environment(),
      commands: commands(),
    });
    expect([status, iam.keys.length, heldIn(vaults[0])]).toStrictEqual([0, 1, iam.keys[0]?.accessKeyId]);
    expect(stderr).toContain('aws iam delete-user-policy --user-name bedrock-proxy');
    expect(stderr).not.toContain(iam.keys[0]?.secretAccessKey);
  });

  it('puts in order what it has begun when it is interrupted', async () => {
    const { status, stderr } = await runScript('rotate-aws-keys.ts', {
      env: environment(),
      commands: commands(),
      interruptAt: 'Created the key',
    });
    expect(status).toBe(130);
    expect(stderr).toContain('which is in no vault');
    expect(iam.keys).toStrictEqual([old]);
  });

  it.each([
    ['AWS_IAM_USER_NAME', '', 'Set AWS_IAM_USER_NAME: the IAM user of the proxy.\n'],
    ['AZURE_KEY_VAULT_NAME', 'kv-a,', 'AZURE_KEY_VAULT_NAME names a vault that has no name.\n'],
    ['ROTATION_PAUSE_SECONDS', 'long', 'ROTATION_PAUSE_SECONDS must be a whole number.\n'],
  ])('says which variable is wrong: %s', async (name, value, message) => {
    const run = await runScript('rotate-aws-keys.ts', { env: { ...environment(), [name]: value } });
    expect([run.status, run.stderr]).toStrictEqual([1, message]);
  });
});
