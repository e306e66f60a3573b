import { Transform, type Readable } from 'node:stream';

/** `buffer-response="true"`: "chunks are buffered (8 KB, unless end of stream is detected)". */
const STEP_BYTES = 8192;

/** The body in steps of at least 8 KB; an error of the source is passed on. */
export function inSteps(source: Readable): Readable {
  let held: Buffer[] = [];
  let bytes = 0;
  const steps = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      held.push(chunk);
      bytes += chunk.length;
      if (bytes < STEP_BYTES) return done();
      const step = Buffer.concat(held);
      held = [];
      bytes = 0;
      done(null, step);
    },
    flush(done) {
      done(null, Buffer.concat(held));
    },
  });
  source.once('error', (error) => steps.destroy(error));
  steps.once('close', () => source.destroy());
  return source.pipe(steps);
}
