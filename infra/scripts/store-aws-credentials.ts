import { parseArgs } from 'node:util';

import { checkSameSubscription, deployer } from './deployer.ts';
import { readKey } from './key-input.ts';
import { type Pause, required, run, say, wholeNumber } from './run.ts';
import { type KeyInVault, keyInVault, whyNoLook } from './vault.ts';

const USAGE = `node infra/scripts/store-aws-credentials.ts [--if-missing]

Stores the AWS key of the proxy in its Key Vault, as one JSON secret, with a date
on which it ends, and disables the versions before. Asks on the terminal, without
echo. Without a terminal it reads standard input: AWS's own JSON (aws iam
create-access-key), or three lines: access key id, secret access key, session
token (empty or absent for none).

  --if-missing                 does nothing when the vault has the secret, or does
                               not let itself be looked at; without a terminal asks
                               for nothing, and says what to do
  AZURE_KEY_VAULT_NAME         name of the vault; empty for a deployment without
                               AWS keys
  AWS_CREDENTIALS_SECRET_NAME  name of the secret (aws-credentials)
  AWS_KEY_DAYS                 days until the secret ends (90)
  AZURE_TENANT_ID              the tenant, where you are signed in to several`;

async function main(pause: Pause): Promise<void> {
  const { values } = parseArgs({ options: { 'if-missing': { type: 'boolean' }, help: { type: 'boolean' } } });
  const { env } = process;
  if (values.help) return say(USAGE);
  const asHook = values['if-missing'] === true;
  if (asHook && env['AZURE_KEY_VAULT_NAME'] === '') {
    return say('This deployment keeps no AWS key: there is nothing to be stored.');
  }
  const name = required(env, 'AZURE_KEY_VAULT_NAME', 'the name of the vault');
  const secretName = env['AWS_CREDENTIALS_SECRET_NAME'] || 'aws-credentials';
  const days = wholeNumber(env, 'AWS_KEY_DAYS', 90);
  await checkSameSubscription(env);
  const credential = deployer(env['AZURE_TENANT_ID'] || undefined);
  // Without a terminal nothing will be asked for, and a role that is on its way is not worth ten minutes of a pipeline.
  const patience = asHook && !process.stdin.isTTY ? { attempts: 1 } : {};
  const vault = keyInVault({ vault: name, secretName, credential, pause, say, ...patience });

  if (asHook) {
    const held = await look(vault);
    if ('why' in held) {
      return say(
        `Whether the vault ${name} holds the AWS key cannot be seen from here: ${held.why}. The deployment goes on.\n` +
          'GET /health tells whether the key is there. If it is not, store it from inside the network, or as somebody with\n' +
          'the role Key Vault Secrets Officer: infra/NETWORK.md, infra/scripts/README.md.',
      );
    }
    if (held.isThere) {
      return say(`The vault ${name} already holds ${secretName}; run this without --if-missing to replace it.`);
    }
    if (!process.stdin.isTTY) {
      return say(
        `The vault ${name} holds no AWS key yet, and there is no terminal to ask for one. Until it does, calls get 503. Then:\n\n` +
          `  aws iam create-access-key --user-name bedrock-proxy |\n` +
          `    AZURE_KEY_VAULT_NAME=${name} node infra/scripts/store-aws-credentials.ts`,
      );
    }
  }
  const keys = await readKey();
  await vault.store(keys, days);
  say(`Stored the key ${keys.accessKeyId} as ${secretName} in the vault ${name}, for ${days} days.`);
}

/** Present, absent, or not to be seen from here. @throws what the vault says otherwise */
async function look(vault: KeyInVault): Promise<{ readonly isThere: boolean } | { readonly why: string }> {
  try {
    return { isThere: (await vault.accessKeyId()) !== undefined };
  } catch (error) {
    const why = whyNoLook(error);
    if (why === undefined) throw error;
    return { why };
  }
}

if (import.meta.main) await run(main);
