import { KEY_TAG } from '../../scripts/key-tag.ts';
import { text } from '../azure/json.ts';
import { present } from '../azure/look.ts';
import { awsIn } from '../aws/require-aws.ts';
import type { Check, Context } from '../check.ts';
import { failed, ok, skipped, warning } from '../finding.ts';
import { MOST_DAYS, ROTATE, secretPath } from './secret.ts';

const STORE = 'infra/scripts/store-aws-credentials.ts with a key of this user';
const DAY_MS = 86_400_000;

export const awsKey: Check = {
  id: '21',
  title: 'The user has one active key, which is the one in the vault',
  layer: 'AWS',
  needs: [],
  onlyWith: '--aws',
  async run(context) {
    const aws = awsIn(context);
    if (aws.user === undefined) return skipped('a role has no access key');
    const keys = present(await aws.keys(), `the IAM user ${aws.user}`, 'aws iam create-user: infra/README.md');
    const active = keys.filter((key) => key.active);
    const [oldest] = active;
    if (oldest === undefined) return failed(`${aws.user} has no active access key`, STORE);
    const stored = await keyInVault(context);
    const names = active.map(({ id }) => shown(id)).join(', ');
    if (stored.key !== undefined && !active.some(({ id }) => shown(id) === stored.key)) {
      return failed(`the vault has the key ${stored.key}, active is ${names}`, STORE);
    }
    if (active.length > 1) {
      return warning(
        `${active.length} active keys: ${names}`,
        'A rotation that has not ended, or a key that somebody else uses: infra/scripts/rotate-aws-keys.ts ends the first',
      );
    }
    const days = Math.floor((Date.now() - oldest.createdAt.getTime()) / DAY_MS);
    const usedFor = present(await aws.lastUsedFor(oldest.id), `the key ${names}`, STORE);
    const found = `${names}, ${days} days old, last used for ${usedFor}; ${stored.told}`;
    return days > MOST_DAYS ? warning(found, ROTATE) : ok(found);
  },
};

/** The end of an id tells the keys of a user apart, and says no more. */
function shown(id: string): string {
  return `…${id.slice(-4)}`;
}

/** Which key the vault has, as far as the tag of the secret tells. */
async function keyInVault({ azure }: Context): Promise<{ readonly key?: string; readonly told: string }> {
  if (!('found' in azure.deployed)) return { told: 'not compared with a vault' };
  const path = await secretPath(azure.deployed.found, azure.environment);
  const secret = path === undefined ? undefined : await azure.deployed.found.resourceManager.get(path);
  const end = secret !== undefined && 'found' in secret ? text(secret.found, 'tags', KEY_TAG) : '';
  return end === '' ? { told: 'not compared with the vault' } : { key: `…${end}`, told: 'the one in the vault' };
}
