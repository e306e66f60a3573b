import type { ServerResponse } from 'node:http';

import type { TokenCounts } from '../usage/formats.ts';

/** An answer to the caller, ready to be handed to the Functions host. */
export interface Reply {
  readonly status: number;
  readonly headers: Record<string, string | string[]>;
  /** The whole body, in pieces. */
  readonly body?: readonly Buffer[];
  /** Writes a body that still flows. Settles when the last byte is written, and never rejects. */
  readonly writeBody?: (response: ServerResponse) => Promise<void>;
}

/** Told what happens to the answer. */
export interface RelayObserver {
  /**
   * What is known of the tokens before anything is sent.
   *
   * @param whole all bytes of the answer, when they are here; usage is read from them now, and not when they are sent
   */
  usageAhead(whole: readonly Buffer[] | undefined): TokenCounts;
  /** These bytes have gone to the caller. */
  sent(bytes: Buffer): void;
  /** The answer broke off after its first byte was sent. */
  failed(error: unknown): void;
}
