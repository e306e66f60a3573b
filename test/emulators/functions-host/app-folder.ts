import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseLenientJson } from './lenient-json.ts';

/** What the host reads from an app's folder. */
export interface AppFolder {
  readonly directory: string;
  /** `main` of package.json, relative to the folder. */
  readonly entry: string;
  readonly format: 'module' | 'commonjs';
  /** `extensions.http.routePrefix` of host.json, without slashes around it; empty for none. */
  readonly routePrefix: string;
  /** `functionTimeout` of host.json; undefined when it is unlimited. */
  readonly functionTimeoutMs: number | undefined;
}

interface HostJson {
  functionTimeout?: string;
  extensions?: { http?: { routePrefix?: string } };
}

interface PackageJson {
  main?: string;
  type?: string;
}

/** The default of the plans other than Consumption (azure-functions-host, `ScriptJobHostOptionsSetup`). */
const DEFAULT_FUNCTION_TIMEOUT = '00:30:00';

/** Reads host.json and package.json. Rejects when one is missing or not JSON, or package.json has no `main`. */
export async function readAppFolder(directory: string): Promise<AppFolder> {
  const host = (await readJson(join(directory, 'host.json'))) as HostJson;
  const { main, type } = (await readJson(join(directory, 'package.json'))) as PackageJson;
  if (main === undefined) throw new Error(`package.json of ${directory} has no "main".`);
  const isModule = main.endsWith('.mjs') || (type === 'module' && !main.endsWith('.cjs'));
  return {
    directory,
    entry: main,
    format: isModule ? 'module' : 'commonjs',
    routePrefix: (host.extensions?.http?.routePrefix ?? 'api').replaceAll(/^\/+|\/+$/g, ''),
    functionTimeoutMs: parseTimeSpan(host.functionTimeout ?? DEFAULT_FUNCTION_TIMEOUT),
  };
}

async function readJson(file: string): Promise<unknown> {
  return parseLenientJson(await readFile(file, 'utf8'));
}

/** A .NET TimeSpan (`[d.]hh:mm:ss[.fff]`) in milliseconds; `-1` means none. */
function parseTimeSpan(text: string): number | undefined {
  if (text === '-1') return undefined;
  const match = /^(?:(\d+)\.)?(\d{1,2}):(\d{1,2}):(\d{1,2}(?:\.\d+)?)$/.exec(text);
  if (!match) throw new Error(`functionTimeout of host.json is not a time span: ${text}`);
  const [days = 0, hours = 0, minutes = 0, seconds = 0] = match.slice(1).map((part) => Number(part ?? 0));
  return (((days * 24 + hours) * 60 + minutes) * 60 + seconds) * 1000;
}
