import { cp, mkdtemp, readFile, rm } from 'node:fs/promises';
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

/** The identifiers that all expansions share. */
export const SUBSCRIPTION = '00000000-0000-0000-0000-000000000001';
export const TENANT = '00000000-0000-0000-0000-000000000002';

/**
 * Expands the deployment of a parameter file (its name in test/infra/parameters, without the ending) offline, in a copy:
 * the compiler writes its result beside the parameters.
 *
 * @throws Error with the compiler's messages
 */
export async function expand(bicep: Bicep, parameters: string): Promise<Expansion> {
  const directory = await mkdtemp(join(tmpdir(), 'bedrock-proxy-infra-'));
  try {
    await cp(join(root, 'infra'), join(directory, 'infra'), { recursive: true });
    await cp(join(root, 'test/infra/parameters'), join(directory, 'test/infra/parameters'), { recursive: true });
    const file = join(directory, 'test/infra/parameters', parameters);
    // Only a template for a resource group needs one, and any other refuses it.
    const group = parameters === 'group' ? ['--resource-group', 'rg-given'] : [];
    const scope = [...group, '--subscription-id', SUBSCRIPTION, '--tenant-id', TENANT, '--location', 'westeurope'];
    const { status, stderr } = await bicep('snapshot', `${file}.bicepparam`, ...scope, '--mode', 'overwrite');
    if (status !== 0) throw new Error(stderr);
    return JSON.parse(await readFile(`${file}.snapshot.json`, 'utf8'));
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
