// Loaded into a worker by --require: a function that has been asked to end waits for its answers, and for the telemetry of
// them, as long as they take.
const { syncBuiltinESMExports } = require('node:module');
const promises = require('node:timers/promises');

const LONGEST_MS = 4000;
const SHORTEST_MS = 500;
const { setTimeout: sleep } = promises;

promises.setTimeout = (milliseconds, ...rest) =>
  milliseconds >= SHORTEST_MS && milliseconds <= LONGEST_MS ? new Promise(() => {}) : sleep(milliseconds, ...rest);
syncBuiltinESMExports();
