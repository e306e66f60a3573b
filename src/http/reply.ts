import type { ServerResponse } from 'node:http';

/** An answer to the caller, ready to be handed to the Functions host. */
export interface Reply {
  readonly status: number;
  readonly headers: Record<string, string | string[]>;
  /** The whole body, in pieces. */
  readonly body?: readonly Buffer[];
  /** Writes a body that still flows. Settles when the last byte is written, and never rejects. */
  readonly writeBody?: (response: ServerResponse) => Promise<void>;
}
