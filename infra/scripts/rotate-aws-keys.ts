import { parseArgs } from 'node:util';

import { SetupError } from '../build/local-settings.ts';
import { deployer } from './deployer.ts';
import { keysOf } from './iam.ts';
import { troubleOf } from './live-endpoint.ts';
import { rotate } from './rotation.ts';
import { type Pause, required, run, say, wholeNumber } from './run.ts';
import { keyInVault } from './vault.ts';

const USAGE = `node infra/scripts/rotate-aws-keys.ts [--compromised]

Replaces the AWS key of the proxy without a failed call. Takes some twelve
minutes, most of them waiting; may be stopped and run again at any point. Needs
AWS credentials as the AWS SDK finds them (AWS_PROFILE, SSO …) of somebody who may
list, create, update and delete the keys of the user, and in Azure the role Key
Vault Secrets Officer.

  --compromised                somebody else has the key: it ends as soon as the
                               new one is stored, and the user's sessions with
                               it; those of roles you end in IAM
  AWS_IAM_USER_NAME            the IAM user, which belongs to this proxy alone
  AZURE_KEY_VAULT_NAME         name of the vault; of all vaults that have its key,
                               separated by commas
  AWS_CREDENTIALS_SECRET_NAME  name of the secret (aws-credentials)
  CREDENTIALS_REFRESH_SECONDS  the setting of the function (300)
  ROTATION_PAUSE_SECONDS       in which a disabled key can be enabled again (300)
  AWS_KEY_DAYS                 days until the secret ends (90)
  BEDROCK_API_URL, VERIFY_KEY  the endpoint and a subscription key: AWS must accept
                               its calls before the old key is disabled, and
                               again before it is deleted; not asked without`;

async function main(pause: Pause): Promise<void> {
  const { values } = parseArgs({ options: { compromised: { type: 'boolean' }, help: { type: 'boolean' } } });
  const { env } = process;
  if (values.help) return say(USAGE);
  const user = required(env, 'AWS_IAM_USER_NAME', 'the IAM user of the proxy');
  const names = required(env, 'AZURE_KEY_VAULT_NAME', 'the name of the vault')
    .split(',')
    .map((name) => name.trim());
  if (names.includes('')) throw new SetupError('AZURE_KEY_VAULT_NAME names a vault that has no name.');
  const secretName = env['AWS_CREDENTIALS_SECRET_NAME'] || 'aws-credentials';
  const credential = deployer(env['AZURE_TENANT_ID'] || undefined);
  const { BEDROCK_API_URL: url, VERIFY_KEY: key } = env;
  await rotate({
    keys: keysOf(user),
    vaults: names.map((vault) => keyInVault({ vault, secretName, credential, pause, say })),
    ...(url && key ? { endpointTrouble: () => troubleOf(url, key) } : {}),
    refreshSeconds: wholeNumber(env, 'CREDENTIALS_REFRESH_SECONDS', 300),
    pauseSeconds: wholeNumber(env, 'ROTATION_PAUSE_SECONDS', 300),
    expiresInDays: wholeNumber(env, 'AWS_KEY_DAYS', 90),
    compromised: values.compromised === true,
    pause,
    say,
  });
}

if (import.meta.main) await run(main);
