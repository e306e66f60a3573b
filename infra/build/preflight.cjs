'use strict';

// What every npm script runs first, alone or as `node -r`: whether this checkout and this Node can run it, in one
// sentence instead of a stack. CommonJS without packages, for it has to load where nothing else does. It is no `pre`
// script, because npm skips those where `ignore-scripts` is set.

const { existsSync } = require('node:fs');
const { join } = require('node:path');

const root = join(__dirname, '../..');
const { dependencies, devDependencies } = require(join(root, 'package.json'));

function problem() {
  const names = Object.keys(Object.assign({}, dependencies, devDependencies));
  const missing = names.filter((name) => !existsSync(join(root, 'node_modules', name, 'package.json')));
  if (missing.length === names.length) return 'Nothing is installed yet: run `npm ci` first.';
  if (missing.length > 0) return `Not all packages are installed (${missing.join(', ')}): run \`npm ci\` first.`;
  // Absent or false before 22.18 and 23.6, and where NODE_OPTIONS turns it off.
  if (process.features.typescript) return undefined;
  return (
    `This needs a Node.js that runs TypeScript, 22.19 or later, and this one (${process.version}) does not: install ` +
    'Node.js 24, or let npm put it beside the other packages: `npm rebuild node --ignore-scripts=false`.'
  );
}

const sentence = problem();
if (sentence !== undefined) {
  console.error(sentence);
  process.exit(1);
}

// `fork` hands the options of Node on: to processes that another folder may be the current one of, or that are measured.
const option = process.execArgv.indexOf('-r');
if (option !== -1) process.execArgv.splice(option, 2);
