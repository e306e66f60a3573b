import { createHash, randomUUID } from 'node:crypto';
import { glob, mkdir, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import type { Bicep } from './bicep-compiler.ts';
import { root } from '../support/root.ts';

/** A resource as the deployment would send it. What only Azure knows is left as an expression, `[reference(…)]`. */
export interface Resource {
  readonly id: string;
  readonly type: string;
  /** With the names of the resources it is in: `vault/secret`. */
  readonly name: string;
  readonly location?: string;
  readonly [property: string]: unknown;
}

export interface Expansion {
  readonly predictedResources: readonly Resource[];
  readonly outputs: Readonly<Record<string, unknown>>;
}

/** The deployments that are looked at: one for each file in test/infra/parameters. */
export type Expansions = Readonly<
  Record<'existing' | 'created' | 'vnet' | 'functionKey' | 'pool' | 'group', Expansion>
>;

const CACHE = join(root, 'node_modules/.cache/bicep/expansions');

/** The identifiers that all expansions share. */
export const SUBSCRIPTION = '00000000-0000-0000-0000-000000000001';
export const TENANT = '00000000-0000-0000-0000-000000000002';

/**
 * Expands the deployment of a parameter file (its name in test/infra/parameters, without the ending) offline. What comes of
 * it is kept in node_modules/.cache by the content of all files that it is made of: several suites ask for the same.
 *
 * @throws Error with the compiler's messages
 */
export async function expand(bicep: Bicep, parameters: string): Promise<Expansion> {
  return expandText(bicep, await readFile(join(root, 'test/infra/parameters', `${parameters}.bicepparam`), 'utf8'));
}

/**
 * The same for the text of a parameter file that begins with `using '…/main.bicep'`.
 *
 * @throws Error with the compiler's messages, warnings among them
 */
export async function expandText(bicep: Bicep, text: string): Promise<Expansion> {
  const entry = /^using '.*\/(\w+)\.bicep'$/m.exec(text)?.[1] ?? '';
  const compiled = await compiledTemplate(bicep, entry);
  const snapshot = await cached([compiled, text], async (directory) => {
    await writeFile(join(directory, 'template.json'), compiled);
    const file = join(directory, 'deployment');
    await writeFile(`${file}.bicepparam`, text.replace(/^using '.*'$/m, "using 'template.json'"));
    // Only a template for a resource group needs one, and any other refuses it.
    const group = entry === 'group' ? ['--resource-group', 'rg-given'] : [];
    const scope = [...group, '--subscription-id', SUBSCRIPTION, '--tenant-id', TENANT, '--location', 'westeurope'];
    const { status, stderr } = await bicep('snapshot', `${file}.bicepparam`, ...scope, '--mode', 'overwrite');
    if (status !== 0 || warningsIn(stderr) !== '') throw new Error(stderr);
    return readFile(`${file}.snapshot.json`, 'utf8');
  });
  return JSON.parse(snapshot);
}

/** Of this version of what is checked before anything is kept. */
const WITHOUT_WARNINGS = 'without warnings';

/** An entry point, `main` or `group`, as JSON. @throws Error with the compiler's messages, warnings among them */
export async function compiledTemplate(bicep: Bicep, entry: string): Promise<string> {
  const inputs = [await digestOfTemplate(), entry, WITHOUT_WARNINGS];
  return cached(inputs, (directory) => compile(bicep, entry, directory));
}

/** What the compiler says, but for the age of api-versions, which depends on the day and not on the files. */
export function warningsIn(stderr: string): string {
  const lines = stderr.split('\n').filter((line) => line.trim() !== '' && !line.includes(' use-recent-api-versions: '));
  return lines.join('\n');
}

async function compile(bicep: Bicep, entry: string, directory: string): Promise<string> {
  const file = join(directory, 'template.json');
  const { status, stderr } = await bicep('build', join(root, `infra/${entry}.bicep`), '--outfile', file);
  if (status !== 0 || warningsIn(stderr) !== '') throw new Error(stderr);
  return readFile(file, 'utf8');
}

/** Of every file that a template may load. */
async function digestOfTemplate(): Promise<string> {
  const hash = createHash('sha256');
  const paths = await Array.fromAsync(glob('infra/**/*.{bicep,json,kql,md,csv,xml}', { cwd: root }));
  for (const path of paths.toSorted()) hash.update(path).update(await readFile(join(root, path)));
  return hash.digest('hex');
}

/** What `make` makes of the inputs, in an empty directory; what it has made of them before, where that is kept. */
async function cached(inputs: readonly string[], make: (directory: string) => Promise<string>): Promise<string> {
  const file = join(CACHE, createHash('sha256').update(inputs.join('\0')).digest('hex'));
  const kept = await readFile(file, 'utf8').catch(() => undefined);
  if (kept !== undefined) return kept;
  await mkdir(CACHE, { recursive: true });
  const directory = await mkdtemp(join(tmpdir(), 'bedrock-proxy-infra-'));
  try {
    const made = await make(directory);
    const whole = join(CACHE, `${randomUUID()}.part`);
    await writeFile(whole, made);
    await rename(whole, file);
    return made;
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

/** The resources of a type. */
export function ofType(expansion: Expansion, type: string): Resource[] {
  return expansion.predictedResources.filter((resource) => resource.type === type);
}

/** The value at a path of property names and indexes; undefined where there is none. */
export function at(value: unknown, ...path: readonly (string | number)[]): unknown {
  return path.reduce<unknown>(
    (inner, key) =>
      typeof inner === 'object' && inner !== null ? (inner as Record<string | number, unknown>)[key] : undefined,
    value,
  );
}
