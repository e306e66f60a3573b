import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const POLICIES = new URL('../../../infra/gateway/policies/', import.meta.url);

/** Text of a file of the policies folder, for instance `bedrock.xml`. */
export function readPolicy(name: string): Promise<string> {
  return readFile(new URL(name, POLICIES), 'utf8');
}

/** The statements of a file of the options folder, for pasting into a policy. */
export async function readOption(name: string): Promise<string> {
  const text = await readPolicy(`options/${name}.xml`);
  const statements = /<fragment>(.*)<\/fragment>/s.exec(text)?.[1];
  if (statements === undefined) throw new Error(`${name} is not a policy fragment`);
  return statements;
}

/**
 * Replaces the one occurrence of a text.
 *
 * @throws Error when it is not there exactly once: the test would try something else than it says
 */
export function replaceOnce(text: string, search: string, replacement: string): string {
  if (text.split(search).length !== 2) throw new Error(`not there exactly once: ${search}`);
  return text.replace(search, () => replacement);
}

const PLACE = '<!-- Rules of your own go here; the ones in options/ are tried and keep answers streaming. -->';

/** bedrock.xml with rules in their place. */
export async function policyWith(rules: string): Promise<PolicyFile> {
  return policyFile(replaceOnce(await readPolicy('bedrock.xml'), PLACE, rules));
}

export interface PolicyFile extends AsyncDisposable {
  readonly path: string;
}

/** A policy in a file of its own, removed when it is disposed of. */
export async function policyFile(text: string): Promise<PolicyFile> {
  const folder = await mkdtemp(join(tmpdir(), 'policy-'));
  const path = join(folder, 'policy.xml');
  await writeFile(path, text);
  return { path, [Symbol.asyncDispose]: () => rm(folder, { recursive: true }) };
}
