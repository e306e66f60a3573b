import type { AwsCredentials } from '../../src/aws/credentials.ts';
import { SetupError } from '../build/local-settings.ts';
import { type AccessKey, DENY_OLDER_SESSIONS, olderSessionsDenied, type UserKeys } from './iam.ts';
import type { Pause, Say } from './run.ts';
import type { KeyInVault } from './vault.ts';

const SECOND_MS = 1000;
const MINUTE_MS = 60_000;

/** A new key is known within 5 to 15 seconds, but not to all of AWS at the same moment: three times in a row. */
const PROBES = { most: 30, inARow: 3, pauseMs: 2 * SECOND_MS } as const;

const NOT_ASKED = 'The endpoint was not asked: no BEDROCK_API_URL and VERIFY_KEY.';
const WHY_NOT = 'Does the app read this vault, and this secret of it? /health and the line bedrock.credentials tell.';

/**
 * How far ahead of now the moment lies before which sessions are denied. Disabling a key reaches all of AWS only after a
 * while, in which sessions are still made of it, and the clock of whoever runs this may be slow. The proxy loses nothing
 * by it: its key is no session, and has no `aws:TokenIssueTime`.
 */
const AHEAD_MS = 15 * MINUTE_MS;

export interface Rotation {
  readonly keys: UserKeys;
  /** Of every environment whose function uses this user. */
  readonly vaults: readonly KeyInVault[];
  /** What speaks against the live endpoint; undefined when AWS accepts its calls. Absent: it is not asked. */
  readonly endpointTrouble?: () => Promise<string | undefined>;
  /** `CREDENTIALS_REFRESH_SECONDS` of the function. */
  readonly refreshSeconds: number;
  /** In which a disabled key can be enabled again. */
  readonly pauseSeconds: number;
  readonly expiresInDays: number;
  /** Somebody else has the old key: it ends as soon as the new one is stored, and sessions of the user end too; those of roles do not. */
  readonly compromised: boolean;
  readonly pause: Pause;
  readonly say: Say;
  readonly now?: () => Date;
}

/**
 * Replaces the AWS access key of the proxy without a failed call: a new key, a proof that AWS accepts it, the vaults, a wait
 * until every instance has read it, a call through the live endpoint; then the old key is disabled and, after a pause and
 * another call, deleted. May be stopped at any point: a new key that is in no vault is deleted, and the next run finishes what this one
 * began. IAM allows two keys for a user; the second place must be free, or hold what an earlier run left. With `compromised`
 * both go, also where an earlier run was cut off.
 *
 * @throws SetupError for what whoever runs it has to decide; what AWS or a vault has said
 */
export async function rotate(rotation: Rotation): Promise<void> {
  const { keys, say } = rotation;
  const current = await keyInUse(rotation);
  const listed = await keys.list();
  const own = listed.find(({ id }) => id === current);
  if (own === undefined) {
    throw new SetupError(`The key in the vault, ${current}, is not one of the user ${keys.user}.`);
  }
  const other = listed.find(({ id }) => id !== current);
  if (other !== undefined && other.createdAt <= own.createdAt) {
    say(`The vault holds a newer key than ${other.id}: finishing the rotation that began with it.`);
    await retire(other, rotation);
    // Nobody can tell which of the two was stolen: that in the vault goes too.
    if (!rotation.compromised) return;
  } else if (other !== undefined) {
    await makeRoom(other, rotation);
  }
  await replace(rotation);
  await retire(own, rotation);
  if (!rotation.compromised) return;
  await endSessions(rotation);
  await lookAfter(rotation);
}

/** The key that is in all vaults; where an earlier run has reached only some of them, the others get it now. */
async function keyInUse(rotation: Rotation): Promise<string> {
  const { keys, vaults, expiresInDays, say } = rotation;
  const held = await Promise.all(vaults.map(async (each) => ({ each, id: await each.accessKeyId() })));
  const empty = held.find(({ id }) => id === undefined);
  if (empty !== undefined) throw new SetupError(`The vault ${empty.each.vault} holds no AWS key.`);
  const ids = new Set(held.map(({ id }) => id));
  const [only] = ids;
  if (only !== undefined && ids.size === 1) return only;
  const listed = await keys.list();
  const isForeign = held.some((vault) => !listed.some(({ id }) => id === vault.id));
  const newest = listed.findLast((key) => ids.has(key.id));
  const credentials = await held.find(({ id }) => id === newest?.id)?.each.read();
  if (isForeign || newest?.active !== true || credentials?.accessKeyId !== newest.id) {
    throw new SetupError(
      `The vaults hold different keys: ${held.map(({ each, id }) => `${each.vault} ${id}`).join(', ')}. ` +
        'Store the newer one in each of them first.',
    );
  }
  for (const { each, id } of held) {
    if (id === newest.id) continue;
    await each.store(credentials, expiresInDays);
    say(`Stored the key ${newest.id} of an earlier run in the vault ${each.vault}.`);
  }
  return newest.id;
}

/** Deletes a newer key that no vault has: nobody has its secret half. */
async function makeRoom({ id }: AccessKey, { keys, say }: Rotation): Promise<void> {
  const service = await keys.lastUsedFor(id);
  // By STS this script itself has tried it.
  if (service !== undefined && service !== 'sts') {
    throw new SetupError(
      `The user ${keys.user} has a second key, ${id}, that is in use for ${service}. It must go first.`,
    );
  }
  say(`Deleting the key ${id} of a rotation that was cut off before it reached the vault.`);
  await keys.remove(id);
}

async function replace(rotation: Rotation): Promise<void> {
  const { keys, vaults, expiresInDays, say } = rotation;
  const created = await keys.create();
  say(`Created the key ${created.accessKeyId}.`);
  try {
    await prove(created, rotation);
    for (const each of vaults) {
      await each.store(created, expiresInDays);
      say(`Stored it in the vault ${each.vault}.`);
    }
  } catch (error) {
    await discardUnstored(created.accessKeyId, rotation);
    throw error;
  }
}

async function prove(created: AwsCredentials, { keys, pause }: Rotation): Promise<void> {
  let inARow = 0;
  for (let tries = 0; inARow < PROBES.inARow; tries += 1) {
    if (tries === PROBES.most) throw new SetupError('AWS does not accept the new key.');
    inARow = (await keys.accepts(created)) ? inARow + 1 : 0;
    await pause(PROBES.pauseMs);
  }
}

/** A new key that nobody can use, since its secret half was never stored, must not take up the second place. */
async function discardUnstored(id: string, { keys, vaults, say }: Rotation): Promise<void> {
  const held = await Promise.all(vaults.map(({ accessKeyId }) => accessKeyId().catch(() => id)));
  // A vault that cannot be asked may have it: its answer to the storing was lost, perhaps.
  if (held.includes(id)) return;
  say(`Deleting the new key ${id}, which is in no vault.`);
  await keys.remove(id).catch((error: unknown) => say(`It is still there: ${String(error)}`));
}

async function retire({ id, active }: AccessKey, rotation: Rotation): Promise<void> {
  const { keys, compromised, refreshSeconds, pauseSeconds, say } = rotation;
  if (active) {
    if (!compromised) await letInstancesRead(refreshSeconds, rotation);
    await keys.disable(id);
    say(
      compromised
        ? `Disabled the old key ${id}. Instances that still had it read the vault at AWS's first refusal.`
        : `Disabled the old key ${id}. Should anything else still need it, enable it again within ${pauseSeconds} seconds.`,
    );
  }
  if (!compromised) {
    await countDown(pauseSeconds, 'Until the old key is deleted', rotation);
    const now = (await keys.list()).find((key) => key.id === id);
    if (now?.active === true) {
      throw new SetupError(`The old key ${id} was enabled again during the pause: it is in use elsewhere, and stays.`);
    }
    await keepIfNeeded(id, rotation);
  }
  await keys.remove(id);
  say(`Deleted the old key ${id}.`);
  if (compromised) {
    say(
      `What it was used for: aws cloudtrail lookup-events --lookup-attributes AttributeKey=AccessKeyId,AttributeValue=${id}`,
    );
  }
}

/** Only now is an app that does not read the vault seen: before, its calls passed with the old key. */
async function keepIfNeeded(id: string, { keys, endpointTrouble }: Rotation): Promise<void> {
  const trouble = await endpointTrouble?.();
  if (trouble === undefined) return;
  await keys.enable(id);
  throw new SetupError(
    `Without the old key the endpoint is not well: ${trouble}\nThe old key ${id} is enabled again, and stays. ${WHY_NOT}\n` +
      'Mend it, and run this again.',
  );
}

/** Of a stolen key nothing is given back. */
async function lookAfter({ endpointTrouble, say, pause }: Rotation): Promise<void> {
  if (endpointTrouble === undefined) return say(NOT_ASKED);
  await pause(MINUTE_MS);
  const trouble = await endpointTrouble();
  if (trouble === undefined) return say('The endpoint is well.');
  throw new SetupError(
    `With the new key the endpoint is not well: ${trouble}\nThe stolen key stays deleted. ${WHY_NOT}\n` +
      'The new key is in the vault: mend the setting, or restart the app; store a key in the vault that it reads by\n' +
      'store-aws-credentials.ts.',
  );
}

async function letInstancesRead(refreshSeconds: number, rotation: Rotation): Promise<void> {
  await countDown(refreshSeconds + 60, 'Until every instance of the function has read the new key', rotation);
  const trouble = await rotation.endpointTrouble?.();
  if (trouble !== undefined) {
    throw new SetupError(`The endpoint is not well: ${trouble}\nThe old key stays. Mend it, and run this again.`);
  }
  rotation.say(rotation.endpointTrouble === undefined ? NOT_ASKED : 'The endpoint is well.');
}

/** Once the keys are gone, whatever becomes of the policy: a key that is only disabled can be enabled again. */
async function endSessions({ keys, say, now = () => new Date() }: Rotation): Promise<void> {
  say(
    'Sessions of roles that were assumed with it go on, for up to 12 hours: no policy of the user holds for them. For each role\n' +
      'that the user may assume: IAM, Roles, Revoke active sessions. The proxy makes new ones by itself.',
  );
  const moment = new Date(now().getTime() + AHEAD_MS);
  await keys.denySessionsBefore(moment).catch((error: unknown) => {
    throw sessionsGoOn(String(error), moment, keys.user);
  });
  say(
    `Sessions of the user from before ${moment.toISOString()} are denied by the policy ${DENY_OLDER_SESSIONS} of the user;\n` +
      `remove it after 36 hours: aws iam delete-user-policy --user-name ${keys.user} --policy-name ${DENY_OLDER_SESSIONS}`,
  );
}

/** What is to be done by hand: IAM takes 2,048 characters of inline policies for a user, and the proxy's may fill them. */
function sessionsGoOn(refusal: string, moment: Date, user: string): SetupError {
  const file = `${DENY_OLDER_SESSIONS}.json`;
  return new SetupError(
    `The old key is gone, but sessions made of it go on for up to 36 hours: the policy that denies them was refused.\n` +
      `${refusal}\n` +
      'Running this again would only replace the new key. Do it by hand, now; IAM takes no more than 2,048 characters of\n' +
      `inline policies for a user, and does not count managed ones among them. Save this as ${file}:\n` +
      `${olderSessionsDenied(moment)}\n` +
      `  aws iam create-policy --policy-name ${DENY_OLDER_SESSIONS} --policy-document file://${file}\n` +
      `  aws iam attach-user-policy --user-name ${user} --policy-arn ARN   (which the first has printed)\n` +
      'or remove an inline policy that can be spared (aws iam list-user-policies, delete-user-policy), then\n' +
      `  aws iam put-user-policy --user-name ${user} --policy-name ${DENY_OLDER_SESSIONS} --policy-document file://${file}`,
  );
}

async function countDown(seconds: number, what: string, { pause, say }: Rotation): Promise<void> {
  for (let left = seconds * SECOND_MS; left > 0; left -= MINUTE_MS) {
    const minutes = Math.ceil(left / MINUTE_MS);
    say(`${what}: ${minutes === 1 ? `${Math.ceil(left / SECOND_MS)} s` : `${minutes} min`}`);
    await pause(Math.min(left, MINUTE_MS));
  }
}
