import { createHash } from 'node:crypto';

import { unzipSync } from 'fflate';

import { text } from '../azure/json.ts';
import { present } from '../azure/look.ts';
import { deployedIn } from '../azure/require.ts';
import type { Check } from '../check.ts';
import { failed, ok, skipped } from '../finding.ts';

/** Under which name One Deploy of Flex Consumption keeps the package. */
const NAME = 'released-package.zip';

export const deployedPackage: Check = {
  id: '5',
  title: 'The package is the one of this checkout',
  layer: 'Azure',
  needs: ['4'],
  async run({ azure }) {
    const { site, storage } = deployedIn(azure);
    const local = await azure.localPackage();
    if (local === undefined) return skipped('there is no package to compare with: npm run package');
    const app = present(await site(), 'the function app', 'azd up');
    const container = text(app, 'properties', 'functionAppConfig', 'deployment', 'storage', 'value');
    if (container === '') return skipped('the app does not say where its package is');
    const blob = await storage(new URL(container).origin).bytes(`${container}/${NAME}`, {
      'x-ms-version': '2023-11-03',
    });
    if ('why' in blob) return skipped(`${blob.why} (it takes Storage Blob Data Reader, and a way to the account)`);
    const remote = present(blob, 'the package', 'azd deploy');
    const [here, there] = [contents(local), contents(remote)];
    const different = [...new Set([...here.keys(), ...there.keys()])].filter(
      (name) => here.get(name) !== there.get(name),
    );
    const hash = createHash('sha256').update(remote).digest('hex').slice(0, 16);
    if (different.length === 0) return ok(`${here.size} files, all the same (SHA-256 ${hash}…)`);
    return failed(
      `${different.length} files differ: ${different.slice(0, 4).join(', ')} (SHA-256 of what is deployed: ${hash}…)`,
      'azd deploy, if what is deployed is not newer; or check out what is deployed',
    );
  },
};

/** Hashes of the files by name: the archive itself has times in it, so that two builds of the same differ. */
function contents(zip: Buffer): Map<string, string> {
  const files = Object.entries(unzipSync(zip));
  return new Map(files.map(([name, bytes]) => [name, createHash('sha256').update(bytes).digest('hex')]));
}
