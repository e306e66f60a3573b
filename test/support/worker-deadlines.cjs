// Loaded into a worker by --require: its long timers, of 100 to 220 seconds, run out on SIGUSR2, however little time has passed;
// its clock goes on by more than that, and a line says so. Those of ten seconds, in which keys are to be read and an invocation
// is to be claimed, do not run out: a slow machine must not look like a vault that hangs.
const PASSED_MS = 230_000;
const LONGEST_MS = 2 ** 31 - 1;
const read = performance.now.bind(performance);
let passed = 0;
performance.now = () => read() + passed;

const { setTimeout: start, clearTimeout: stop } = globalThis;
const waiting = new Map();

globalThis.setTimeout = (callback, milliseconds, ...rest) => {
  const timer = start(
    (...values) => {
      waiting.delete(timer);
      callback(...values);
    },
    milliseconds === 10_000 ? LONGEST_MS : milliseconds,
    ...rest,
  );
  if (milliseconds > 100_000 && milliseconds < 220_000) waiting.set(timer, callback);
  return timer;
};
globalThis.clearTimeout = (timer) => {
  waiting.delete(timer);
  stop(timer);
};

process.on('SIGUSR2', () => {
  // What was sent to the worker before is read, and passed on, in the turns before the last.
  const wait = (turns) => {
    if (turns > 0) return setImmediate(wait, turns - 1);
    passed += PASSED_MS;
    for (const [timer, callback] of waiting) {
      waiting.delete(timer);
      stop(timer);
      callback();
    }
    console.log(JSON.stringify({ event: 'deadlines' }));
  };
  wait(100);
});
