import { createChunkQueue } from './chunk-queue.ts';

/** The body of an answer as its reader has it. Who does not take what has come makes Bedrock wait. */
export interface ReadableBody {
  /** Nothing more will come; what has come may still wait to be taken. */
  readonly ended: boolean;
  /**
   * The next bytes, if any have come. One that takes all and then waits until it is `ready` has one promise for each wait,
   * and `read` two for each piece.
   *
   * @throws the failure behind which nothing comes, once all before it has been taken
   */
  take(): Buffer | undefined;
  /** Settles when something has come, or the end has. */
  ready(): Promise<void> | undefined;
}

/** The body of an answer between the connection, which fills it, and its reader. */
export interface AnswerBody extends ReadableBody {
  /** Returns false when enough is kept ready, and the connection should pause. */
  add(chunk: Buffer): boolean;
  /** Nothing more will come; after a failure, the reader is told of it behind what has come. The first end counts. */
  end(failure?: unknown): void;
  /** The next bytes, as soon as there are any; undefined at the end. */
  read(): Promise<Buffer | undefined>;
}

/** Bytes of an answer kept ready for a slow caller before the connection to Bedrock is paused. */
const READ_AHEAD_BYTES = 65_536;

/** @param onRoom called when the reader has taken bytes, and there is room for more to come */
export function createAnswerBody(onRoom: () => void): AnswerBody {
  const queue = createChunkQueue();
  let ended = false;
  let failure: unknown;
  let wakeReader: (() => void) | undefined;
  const take = () => {
    const bytes = queue.take();
    if (bytes === undefined && failure !== undefined) throw failure;
    if (bytes !== undefined && !ended && queue.bytes < READ_AHEAD_BYTES) onRoom();
    return bytes;
  };
  const ready = () => {
    if (queue.bytes > 0 || ended) return undefined;
    return new Promise<void>((resolve) => {
      wakeReader = resolve;
    });
  };
  return {
    get ended() {
      return ended;
    },
    add(chunk) {
      queue.add(chunk);
      wakeReader?.();
      return queue.bytes < READ_AHEAD_BYTES;
    },
    end(reason) {
      if (ended) return;
      ended = true;
      failure = reason;
      wakeReader?.();
    },
    take,
    ready,
    async read() {
      await ready();
      return take();
    },
  };
}
