import { execFile } from 'node:child_process';
import { access, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

import { root } from '../support/root.ts';

const run = promisify(execFile);

/** What the suites are tried with. A compiler found on PATH may be newer. */
const VERSION = '0.49.2';
const PACKAGE = 'Azure.Bicep.CommandLine.linux-x64';
const cache = join(root, 'node_modules/.cache/bicep');

export interface CompilerResult {
  readonly status: number;
  readonly stdout: string;
  /** Where the compiler writes its diagnostics. */
  readonly stderr: string;
}

/** Runs the Bicep compiler; a failed compilation is a status, not an exception. */
export type Bicep = (...args: string[]) => Promise<CompilerResult>;

/**
 * The Bicep compiler: `bicep` on PATH, else the one that `az bicep install` fetched, else the NuGet package, restored by
 * `dotnet` into node_modules/.cache. Undefined where none of them is to be had, with a line that
 * tells it: the suites are skipped then.
 */
export async function findBicep(): Promise<Bicep | undefined> {
  // `az bicep` offers some of the commands only, and spells their arguments in another way: its binary, then.
  const ofAzureCli = join(process.env['AZURE_CONFIG_DIR'] ?? join(homedir(), '.azure'), 'bin/bicep');
  for (const file of ['bicep', ofAzureCli]) {
    const bicep = compiler(file);
    if (await works(bicep)) return bicep;
  }
  const restored = await restore();
  if (restored !== undefined) return compiler(restored);
  // The line that `.ci/run` looks for: it must not pass without these checks.
  console.warn('infrastructure checks skipped: no Bicep compiler');
  return undefined;
}

function compiler(file: string): Bicep {
  return async (...args) => {
    // The binary is self-contained but for ICU, which a slim image does not have.
    const env = { ...process.env, DOTNET_SYSTEM_GLOBALIZATION_INVARIANT: '1' };
    try {
      const { stdout, stderr } = await run(file, args, { env, maxBuffer: 64 * 1024 * 1024 });
      return { status: 0, stdout, stderr };
    } catch (error) {
      const { code, stdout = '', stderr = '' } = error as { code?: unknown; stdout?: string; stderr?: string };
      if (typeof code !== 'number') throw error;
      return { status: code, stdout, stderr };
    }
  };
}

async function works(bicep: Bicep): Promise<boolean> {
  return bicep('--version').then(
    ({ status }) => status === 0,
    () => false,
  );
}

/** Path of the compiler, restored where it is not in the cache yet. */
async function restore(): Promise<string | undefined> {
  if (process.platform !== 'linux' || process.arch !== 'x64') return undefined;
  const packages = join(cache, 'packages');
  const binary = join(packages, PACKAGE.toLowerCase(), VERSION, 'tools/bicep');
  const isThere = () =>
    access(binary).then(
      () => true,
      () => false,
    );
  if (await isThere()) return binary;
  // A project of its own for each process: suites that start together may share the packages, but not this folder.
  const project = await mkdtemp(join(tmpdir(), 'bedrock-proxy-bicep-'));
  try {
    await writeFile(
      join(project, 'bicep.csproj'),
      `<Project Sdk="Microsoft.NET.Sdk">
  <PropertyGroup>
    <TargetFramework>netstandard2.0</TargetFramework>
    <DisableImplicitFrameworkReferences>true</DisableImplicitFrameworkReferences>
  </PropertyGroup>
  <ItemGroup>
    <PackageDownload Include="${PACKAGE}" Version="[${VERSION}]" />
  </ItemGroup>
</Project>
`,
    );
    const env = { ...process.env, DOTNET_CLI_TELEMETRY_OPTOUT: '1', DOTNET_NOLOGO: '1' };
    await run('dotnet', ['restore', '--packages', packages, project], { env });
  } catch (error) {
    const { code, stdout } = error as { code?: unknown; stdout?: string };
    // A machine without dotnet is an ordinary one; a dotnet that fails is worth its message.
    if (code !== 'ENOENT') console.warn(`dotnet restore failed: ${stdout ?? String(error)}`);
  } finally {
    await rm(project, { recursive: true, force: true });
  }
  return (await isThere()) ? binary : undefined;
}
