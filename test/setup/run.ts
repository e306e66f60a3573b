import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { reportCoverage } from './coverage.ts';
import { root } from '../support/root.ts';

/** `npm test`: all suites, then how much of `src` they have run. Below this, in per cent, the run fails. */
const LEAST = { lines: 95, branches: 90 } as const;

const rawFolder = await mkdtemp(join(tmpdir(), 'bedrock-proxy-coverage-'));
const suites = process.argv.slice(2);
const vitest = spawn(
  process.execPath,
  ['node_modules/vitest/vitest.mjs', 'run', '--config', 'test/vitest.config.ts', ...suites],
  { cwd: root, stdio: 'inherit', env: { ...process.env, COVERAGE_FOLDER: rawFolder } },
);
const [code] = (await once(vitest, 'exit')) as [number | null];
process.exitCode = code ?? 1;
// Some of the suites cover some of the sources: nothing to report.
if (code === 0 && suites.length === 0) {
  const covered = await reportCoverage(rawFolder);
  for (const measure of ['lines', 'branches'] as const) {
    if (covered[measure] >= LEAST[measure]) continue;
    console.error(`Coverage of ${measure} is ${covered[measure]} %, below ${LEAST[measure]} %.`);
    process.exitCode = 1;
  }
}
await rm(rawFolder, { recursive: true, force: true });
