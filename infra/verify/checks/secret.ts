import { type Deployed, VERSIONS } from '../azure/deployed.ts';
import { list, number, same, text } from '../azure/json.ts';
import { member } from '../../../src/json/member.ts';
import { ifPresent, present } from '../azure/look.ts';
import { deployedIn } from '../azure/require.ts';
import type { Check } from '../check.ts';
import { failed, ok, skipped, warning } from '../finding.ts';

/** AWS's advice for keys of users, and the usual rule of audits. */
export const MOST_DAYS = 90;

const DAY = 86_400;
export const ROTATE = 'infra/scripts/rotate-aws-keys.ts replaces the key without a failed call';

export const secret: Check = {
  id: '7',
  title: 'The secret is there, enabled and not too old',
  layer: 'Azure',
  needs: ['3'],
  async run({ azure }) {
    const deployed = deployedIn(azure);
    const vault = ifPresent(await deployed.vault());
    if (vault === undefined) return skipped('this deployment keeps no AWS key, and has no vault');
    const name = secretName(azure.environment);
    // Azure Resource Manager tells all but the value, whatever network the vault is in.
    const path = pathOf(vault, name);
    const found = present(
      await deployed.resourceManager.get(path),
      `the secret ${name} in ${text(vault, 'name')}`,
      'infra/scripts/store-aws-credentials.ts',
    );
    const at = (attribute: string) => number(found, 'properties', 'attributes', attribute);
    const now = Date.now() / 1000;
    if (member(found, 'properties', 'attributes', 'enabled') === false) {
      return failed(`the secret ${name} is disabled`, 'Enable it, or infra/scripts/store-aws-credentials.ts');
    }
    const [created = now, expires] = [at('created'), at('exp')];
    if (expires !== undefined && expires < now) return failed(`the secret ${name} has expired`, ROTATE);
    const days = Math.floor((now - created) / DAY);
    const told = `${name} is enabled, ${days} days old${expires === undefined ? '' : `, ends in ${Math.floor((expires - now) / DAY)}`}`;
    if (days > MOST_DAYS) return warning(told, ROTATE);
    const settings = await deployed.resourceManager.list(
      `${text(vault, 'id')}/providers/Microsoft.Insights/diagnosticSettings?api-version=${VERSIONS.diagnostics}`,
    );
    const audited = present(settings, 'the audit log', 'azd provision').some((each) =>
      list(each, 'properties', 'logs').some(
        (log) =>
          member(log, 'enabled') === true &&
          (same(text(log, 'categoryGroup'), 'audit') || text(log, 'category') === 'AuditEvent'),
      ),
    );
    if (!audited) return warning(`${told}; nobody logs who reads it`, 'azd provision');
    return ok(`${told}; reads are logged`);
  },
};

function secretName(environment: Readonly<Record<string, string>> = {}): string {
  return environment['AWS_CREDENTIALS_SECRET_NAME'] ?? 'aws-credentials';
}

function pathOf(vault: unknown, name: string): string {
  return `${text(vault, 'id')}/secrets/${name}?api-version=${VERSIONS.vault}`;
}

/** Where Azure Resource Manager has the secret, without its value; undefined where there is no vault to look at. */
export async function secretPath(
  deployed: Deployed,
  environment: Readonly<Record<string, string>> | undefined,
): Promise<string | undefined> {
  const vault = await deployed.vault();
  return 'found' in vault ? pathOf(vault.found, secretName(environment)) : undefined;
}
