import { cp, glob, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { type Bicep, findBicep } from './bicep-compiler.ts';
import { warningsIn } from './expand.ts';
import { root } from '../support/root.ts';

const bicep = await findBicep();

describe.skipIf(bicep === undefined)('Bicep files', () => {
  const compile = bicep as Bicep;
  let directory: string;
  let template: Template;

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'bedrock-proxy-infra-'));
    const { status, stdout, stderr } = await compile('build', join(root, 'infra/main.bicep'), '--stdout');
    if (status !== 0) throw new Error(stderr);
    await writeFile(join(directory, 'main.json'), stdout);
    template = JSON.parse(stdout);
  });

  afterAll(async () => {
    await rm(directory, { recursive: true, force: true });
  });

  it('are formatted', async () => {
    const copy = join(directory, 'formatted');
    await cp(join(root, 'infra'), join(copy, 'infra'), { recursive: true });
    await cp(join(root, 'test/infra/parameters'), join(copy, 'test/infra/parameters'), { recursive: true });
    const config = join(root, 'infra/bicepconfig.json');
    for (const pattern of ['infra/**/*.bicep', 'test/infra/parameters/*.bicepparam']) {
      const { stderr } = await compile('format', '--pattern', join(copy, pattern), '--config', config);
      expect(stderr).toBe('');
      const paths = await Array.fromAsync(glob(pattern, { cwd: copy }));
      expect(paths.length, pattern).toBeGreaterThan(4);
      for (const path of paths) {
        expect(await readFile(join(root, path), 'utf8'), path).toBe(await readFile(join(copy, path), 'utf8'));
      }
    }
  });

  it('compile without an error or a warning', async () => {
    const { status, stderr } = await compile('lint', join(root, 'infra/main.bicep'));
    expect(warningsIn(stderr)).toBe('');
    expect(status).toBe(0);
  });

  it('put no key, connection string or secret into an output, at any level', () => {
    const outputs = readOutputs(template);
    expect(outputs.map(([name]) => name)).toContain('BEDROCK_API_URL');
    for (const [name, definition] of outputs) {
      expect(JSON.stringify(definition), name).not.toMatch(/list[A-Z]\w*\(|ConnectionString|InstrumentationKey|secure/);
    }
  });

  it('name every parameter in main.parameters.json, after one variable of its own and without a default', async () => {
    const file = JSON.parse(await readFile(join(root, 'infra/main.parameters.json'), 'utf8'));
    expect(Object.keys(file.parameters).toSorted()).toEqual(Object.keys(template.parameters).toSorted());
    const variables = Object.values<{ value: string }>(file.parameters).map(({ value }) => value);
    for (const variable of variables) expect(variable).toMatch(/^\$\{[A-Z][A-Z0-9_]*\}$/);
    expect(new Set(variables).size).toBe(variables.length);
  });

  it('are the same for a subscription and for a resource group: parameters, defaults, meanings, outputs', async () => {
    const { stdout } = await compile('build', join(root, 'infra/group.bicep'), '--stdout');
    const group: Template = JSON.parse(stdout);
    const { resourceGroupName, ...parameters } = template.parameters;
    expect(resourceGroupName).toBeDefined();
    expect(parameters).toStrictEqual(group.parameters);
    const described = ({ outputs = {} }: Template) =>
      Object.entries(outputs).map(([name, { type, metadata }]) => [name, type, metadata]);
    expect(described(template)).toStrictEqual(described(group));
    const variables = async (path: string) => JSON.parse(await readFile(join(root, path), 'utf8')).parameters;
    const { resourceGroupName: _, ...ofBoth } = await variables('infra/main.parameters.json');
    expect(await variables('infra/group.parameters.json')).toStrictEqual(ofBoth);
  });

  it('have every parameter in PARAMETERS.md, with its variable and its meaning', async () => {
    const page = await readFile(join(root, 'infra/PARAMETERS.md'), 'utf8');
    const file = JSON.parse(await readFile(join(root, 'infra/main.parameters.json'), 'utf8'));
    const rows = new Map(
      Array.from(page.matchAll(/^\| `(\w+)` \| `([A-Z_]+)` \| .+? \| (.+) \|$/gm), ([, name = '', variable, text]) => [
        name,
        { variable: `\${${variable}}`, text },
      ]),
    );
    for (const [name, { metadata }] of Object.entries(template.parameters)) {
      expect(rows.get(name)?.variable, name).toBe(file.parameters[name].value);
      expect(rows.get(name)?.text, name).toContain(metadata.description.replace(/\.$/, ''));
    }
  });

  const existing = "param apimName = 'apim'\nparam apimResourceGroupName = 'rg'\n";
  it.each([
    ['an existing instance without its name', '', 'Set apimName, or createApim.'],
    ['a new instance without an address', 'param createApim = true', 'needs apimPublisherEmail'],
    ['Entra without the app registration', existing, 'needs proxyAppClientId'],
    ['an app registration that is an empty text', `${existing}param proxyAppClientId = ''`, 'needs proxyAppClientId'],
    ['an instance whose name is an empty text', existing.replace("'apim'", "''"), 'Set apimName, or createApim.'],
    [
      'an instance whose group is an empty text',
      existing.replace("'rg'", "''"),
      'Set apimResourceGroupName, or createApim.',
    ],
    [
      'a new instance whose address is an empty text',
      "param createApim = true\nparam apimPublisherEmail = ''",
      'needs apimPublisherEmail',
    ],
    [
      'a web identity whose role is an empty text',
      `${existing}param proxyAppClientId = 'x'\nparam awsWebIdentityAudience = 'api://x'\nparam awsRoleArn = ''`,
      'awsWebIdentityAudience needs awsRoleArn.',
    ],
    [
      'a subnet of the app where that of the endpoints is an empty text',
      `${existing}param vnetEnabled = true\nparam appSubnetId = '/s/x'\nparam endpointSubnetId = ''`,
      'appSubnetId needs endpointSubnetId.',
    ],
    [
      'private ingress without a network',
      `${existing}param callerAuth = 'functionKey'\nparam privateIngress = true`,
      'privateIngress needs vnetEnabled.',
    ],
  ])('refuse %s', async (_, parameters, message) => {
    const file = join(directory, 'wrong.bicepparam');
    const required = "param environmentName = 'x'\nparam location = 'x'\nparam bedrockRegion = 'x'";
    await writeFile(file, `using 'main.json'\n${required}\n${parameters}\n`);
    const { status, stderr } = await compile('snapshot', file, '--mode', 'overwrite');
    expect(stderr).toContain(message);
    expect(status).not.toBe(0);
  });
});

interface Template {
  readonly parameters: Record<string, { readonly metadata: { readonly description: string } }>;
  readonly outputs?: Record<string, { readonly type: string; readonly metadata: unknown }>;
  readonly resources: Record<string, { readonly properties?: { readonly template?: Template } }>;
}

/** The outputs of a template and of all modules in it. */
function readOutputs({ outputs = {}, resources }: Template): [string, unknown][] {
  const modules = Object.values(resources).flatMap(({ properties }) => properties?.template ?? []);
  return [...Object.entries(outputs), ...modules.flatMap(readOutputs)];
}
