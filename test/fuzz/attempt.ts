import { setImmediate as turn } from 'node:timers/promises';

import type { RawAnswer } from './answers.ts';
import { mutateBytes } from './byte-mutations.ts';
import { openConnection } from './connection.ts';
import { mutateDraft } from './draft-mutations.ts';
import type { IdleClock } from './idle-clock.ts';
import { createRandom, type Random } from './random.ts';
import { readByReference } from './reference.ts';
import { type Draft, serialize, validDraft } from './requests.ts';

/** Where requests are sent: through the gateway, or past it. */
export interface Door {
  readonly name: 'gateway' | 'host';
  readonly port: number;
  readonly prefix: string;
  readonly admission: Draft['headers'];
  readonly maxHeaderSize: number;
}

/** Who calls past the gateway is the gateway to the function: its own spoilt orders are told as the operator's mistake. */
const BAD_ORDER = "The gateway's header x-gateway-";

/** How long a request that Node takes for incomplete is left open before the fuzzer ends its side. */
const LINGER_MS = 50;

/** The same where Node refuses what Kestrel may take: then nobody knows whether that waits for more. */
const REFUSED_LINGER_MS = 2_000;

/**
 * Sends one request to one of the doors. It has a generator of its own, so that it is the same whatever the others do.
 *
 * @param idleClock is idle when no request under way has ended for so long that this one hangs
 * @returns the status of its first answer, `500 of the host`, `503 of the gateway`, `503 for the gateway`, `closed`,
 *   `aborted` (by the fuzzer), or what went wrong
 */
export async function sendOne(
  doors: readonly Door[],
  seed: number,
  number: number,
  idleClock: IdleClock,
): Promise<string> {
  const random = createRandom(seed * 1_000_003 + number);
  const door = random.pick(doors);
  const bytes = makeRequest(door, random);
  const reading = await readByReference(bytes, door.maxHeaderSize);
  const abortAfter = random.oneIn(12) ? random.integer(bytes.length + 1) : undefined;
  // Node refuses heads that Kestrel takes: of those it has read no method.
  const methods = reading.methods.length > 0 ? reading.methods : [bytes.toString('latin1', 0, 5).trim()];
  const connection = await openConnection(door.port, methods);
  const hang = Promise.withResolvers<string>();
  const settled = idleClock.onIdle(() => {
    hang.resolve(`no answer to ${JSON.stringify(bytes.toString('latin1', 0, 400))}`);
  });
  const talk = async (): Promise<string> => {
    for (const piece of cut(bytes.subarray(0, abortAfter), random)) {
      connection.send(piece);
      await turn();
    }
    if (abortAfter !== undefined) {
      if (random.oneIn(2)) connection.socket.resetAndDestroy();
      else connection.socket.destroy();
      await connection.closed;
      return 'aborted';
    }
    const [first] = reading.whole > 0 ? await connection.answers(reading.whole) : [];
    if (first !== undefined && !reading.refused) return outcomeOf(door, first, bytes);
    const linger = setTimeout(() => connection.socket.end(), reading.refused ? REFUSED_LINGER_MS : LINGER_MS);
    await connection.closed;
    clearTimeout(linger);
    const [answer] = connection.received();
    return outcomeOf(door, answer, bytes);
  };
  const outcome = await Promise.race([talk(), hang.promise]).catch((error: unknown) => String(error));
  settled();
  idleClock.progress();
  connection.socket.destroy();
  return outcome;
}

/**
 * Kestrel itself answers a Host that is none, broken chunks and an upload that stalls by an empty 500, of which the
 * function does not hear; what the function makes has the form of AWS.
 */
function outcomeOf(door: Door, answer: RawAnswer | undefined, request: Buffer): string {
  if (answer === undefined) return 'closed';
  if (answer.status === 503 && door.name === 'host' && answer.body.includes(BAD_ORDER)) return '503 for the gateway';
  if (answer.status === 503 && isCutByKestrel(request)) return '503 of the gateway';
  const isOfTheHost = answer.body.length === 0 && answer.headers['x-amzn-errortype'] === undefined;
  return answer.status === 500 && isOfTheHost ? '500 of the host' : String(answer.status);
}

function makeRequest(door: Door, random: Random): Buffer {
  const draft = validDraft(random, door.prefix, door.admission);
  mutateDraft(draft, random);
  const bytes = mutateBytes(serialize(draft, random), random);
  return door.name === 'host' ? withAsciiHead(bytes) : bytes;
}

/**
 * The Functions host cannot forward a header that is not ASCII, and the function never hears of such a call; the
 * gateway's policy refuses it. So those go through the gateway only.
 */
function withAsciiHead(bytes: Buffer): Buffer {
  const end = bytes.lastIndexOf('\r\n\r\n');
  return Buffer.from(bytes.map((byte, index) => (index < end ? byte & 0x7f : byte)));
}

function cut(bytes: Buffer, random: Random): Buffer[] {
  const cuts = Array.from({ length: random.oneIn(2) ? 0 : random.integer(6) }, () => random.integer(bytes.length + 1));
  const ends = [...cuts.toSorted((a, b) => a - b), bytes.length];
  return ends.map((end, index) => bytes.subarray(ends[index - 1] ?? 0, end)).filter((piece) => piece.length > 0);
}

/**
 * Kestrel refuses a NUL in a path and closes at once; where the gateway still sends the body, it finds the connection
 * broken, and says so.
 */
function isCutByKestrel(request: Buffer): boolean {
  return request.toString('latin1', 0, request.indexOf('\r\n')).includes('%00');
}
