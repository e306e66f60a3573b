// Loaded where `src` or its bundles run, before them. Node's own NODE_V8_COVERAGE would make every process that is started
// from here count what it runs, suites and emulators too, and have it read and write the source maps of the bundles, for what
// the report leaves out.
const { randomUUID } = require('node:crypto');
const { writeFileSync } = require('node:fs');
const { Session } = require('node:inspector');
const { join } = require('node:path');
const { pathToFileURL } = require('node:url');

const root = pathToFileURL(join(__dirname, '../..')).href;
const folder = process.env['COVERAGE_FOLDER'];

const session = new Session();
session.connect();
session.post('Profiler.enable');
session.post('Profiler.startPreciseCoverage', { callCount: true, detailed: true });

/** Leaves in the folder what has been run of ours since the start, or the last time. */
function writeCoverage() {
  // A session within the process answers before `post` returns.
  session.post('Profiler.takePreciseCoverage', (error, coverage) => {
    if (error) throw new Error(`No coverage: ${error.message}`);
    const result = coverage.result.filter(
      ({ url }) => url.startsWith(`${root}/src/`) || url.startsWith(`${root}/dist/`),
    );
    if (result.length > 0) writeFileSync(join(folder, `${randomUUID()}.json`), JSON.stringify({ result }));
  });
}

process.on('exit', writeCoverage);
exports.writeCoverage = writeCoverage;
