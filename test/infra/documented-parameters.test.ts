import { glob, readFile } from 'node:fs/promises';
import { join } from 'node:path';

import { describe, expect, it } from 'vitest';

import { type Bicep, findBicep } from './bicep-compiler.ts';
import { batchesOf, documentedParameters, literal } from './documented-parameters.ts';
import { compiledTemplate, expand, expandText, warningsIn } from './expand.ts';
import { root } from '../support/root.ts';

const bicep = await findBicep();
const compile = bicep as Bicep;
const files = (await Array.fromAsync(glob('*.bicepparam', { cwd: join(root, 'test/infra/parameters') }))).toSorted();
const examples = await documentedParameters();

interface Template {
  readonly parameters: Record<string, { readonly type?: string; readonly $ref?: string }>;
}

const BASE = {
  environmentName: 'prod',
  location: 'westeurope',
  bedrockRegion: 'eu-central-1',
  apimName: 'apim-contoso',
  apimResourceGroupName: 'rg-gateway',
  proxyAppClientId: '11111111-1111-1111-1111-111111111111',
  // Other values of the pages rest on it.
  vnetEnabled: 'true',
};

/** The text of a parameter file, of values as they stand in the pages. */
async function parameterFile(entry: 'main' | 'group', values: Readonly<Record<string, string>>): Promise<string> {
  const template = JSON.parse(await compiledTemplate(compile, entry)) as Template;
  const lines = Object.entries(values).map(([name, value]) => {
    const type = template.parameters[name]?.type ?? 'object';
    return `param ${name} = ${literal(value, type)}`;
  });
  return [`using '../../../infra/${entry}.bicep'`, ...lines, ''].join('\n');
}

describe('a warning of the compiler', () => {
  it('is found, but for the age of api-versions', () => {
    const age = 'main.bicep(1,1) : Warning use-recent-api-versions: Use more recent API version.';
    const other = 'main.bicep(2,1) : Warning no-unused-params: Parameter "x" is declared but never used.';
    expect(warningsIn(`${age}\n`)).toBe('');
    expect(warningsIn(`${age}\n${other}\n`)).toBe(other);
  });

  it.skipIf(bicep === undefined)('ends an expansion', async () => {
    const text = await parameterFile('main', BASE);
    const warns: Bicep = async (...words) => {
      const result = await compile(...words);
      return words[0] === 'snapshot' ? { ...result, stderr: 'x.bicepparam(1,1) : Warning BCP000: Planted.\n' } : result;
    };
    await expect(expandText(warns, `${text}// planted\n`)).rejects.toThrow('Warning BCP000: Planted.');
  });
});

describe.skipIf(bicep === undefined)('without a word of the compiler', () => {
  it.each(files)('%s is expanded', async (file) => {
    const { predictedResources } = await expand(compile, file.replace('.bicepparam', ''));
    expect(predictedResources.length).toBeGreaterThan(20);
  });

  it('the values that the pages give are expanded, each at least once', async () => {
    expect(examples.length).toBeGreaterThan(30);
    const batches = batchesOf(examples);
    expect(batches.reduce((sum, batch) => sum + batch.size, 0)).toBe(
      new Set(examples.map(({ parameter, value }) => `${parameter} ${value}`)).size,
    );
    for (const batch of batches) {
      const text = await parameterFile('main', { ...BASE, ...Object.fromEntries(batch) });
      expect((await expandText(compile, text)).predictedResources.length).toBeGreaterThan(20);
    }
  });

  it('the parameters of the commands without azd are expanded, of both entry points', async () => {
    const page = await readFile(join(root, 'infra/README.md'), 'utf8');
    const commands = Array.from(
      page.matchAll(/--template-file infra\/(main|group)\.bicep --parameters \\\n((?: {2}.*\n)+)/g),
      ([, entry, words = '']) => ({ entry: entry === 'main' ? ('main' as const) : ('group' as const), words }),
    );
    expect(commands.map(({ entry }) => entry)).toStrictEqual(['main', 'group']);
    for (const { entry, words } of commands) {
      const values = Object.fromEntries(
        Array.from(words.matchAll(/(\w+)=("?[^\s"]+"?)/g), ([, name, value]) => [name, value]),
      );
      expect(values).toMatchObject({ proxyAppClientId: '"$client_id"' });
      const text = await parameterFile(entry, { ...values, proxyAppClientId: BASE.proxyAppClientId });
      expect((await expandText(compile, text)).predictedResources.length).toBeGreaterThan(20);
    }
  });
});
