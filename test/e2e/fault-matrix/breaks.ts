import type { Socket } from 'node:net';

import { writeParts } from '../../emulators/bedrock/answer.ts';
import { defaultAnswer } from '../../emulators/bedrock/answers.ts';
import type { Responder } from '../../emulators/bedrock/received-request.ts';
import { pause, write, writeHeaders } from '../../emulators/bedrock/wire.ts';

/** What Bedrock does to the connection in the middle of an answer. */
export const BREAKS = {
  reset: (socket: Socket) => void socket.resetAndDestroy(),
  close: (socket: Socket) => void socket.end(),
  garbage: (socket: Socket) => void socket.write('neither a chunk nor a header\0\r\n'),
  silence: () => {},
} as const;

export type Break = keyof typeof BREAKS;

/** How far an answer gets. A message is an event; of a plain answer, a piece. */
export const PHASES = [
  'before the headers',
  'inside the headers',
  'before the first byte',
  'inside the first message',
  'inside a message',
  'between messages',
  'inside the last message',
  'before the end',
] as const;

export type Phase = (typeof PHASES)[number];

/** The body as Bedrock would send it, in its messages; default: those of the emulator's good answer. */
export interface Script {
  readonly headers: Readonly<Record<string, string>>;
  readonly messages: readonly Buffer[];
}

/**
 * Sends an answer in chunks up to `phase`, waits until the client has seen its first message, if it can, and then
 * breaks the connection in the given way. The end of the body, a chunk of no length, is never sent.
 *
 * @param seen settles when the client has its first message
 */
export function breakIn(phase: Phase, how: Break, seen: Promise<void>, script?: Script): Responder {
  return async (request, response) => {
    const { socket } = response;
    if (socket === null) throw new Error('An earlier answer on this connection has not ended.');
    if (phase === 'inside the headers') socket.write('HTTP/1.1 200 OK\r\nContent-Ty');
    if (!phase.endsWith('the headers')) {
      const { headers, messages } = script ?? goodAnswer(request);
      await writeHeaders(response, 200, headers);
      await writeParts(response, upTo(phase, messages), 0);
      if (!phase.includes('first')) await seen;
    }
    BREAKS[how](socket);
  };
}

/**
 * Sends without an end: the first message byte by byte, or whole messages.
 *
 * @param begun called when some have been sent
 */
export function drip(what: 'bytes' | 'messages', begun: () => void, script?: Script): Responder {
  return async (request, response) => {
    const { headers, messages } = script ?? goodAnswer(request);
    const [first = Buffer.alloc(0), second = Buffer.alloc(0)] = messages;
    await writeHeaders(response, 200, headers);
    if (what === 'messages') await write(response, first);
    for (let at = 0; !response.destroyed; at += 1) {
      await write(response, what === 'messages' ? second : first.subarray(at, at + 1));
      if (at === BEGUN) begun();
      await pause(response, at < BEGUN ? 10 : DRIP_MS);
    }
  };
}

/** Sends whole messages without an end, as fast as they are taken. */
export function flood(script?: Script): Responder {
  return async (request, response) => {
    const { headers, messages } = script ?? goodAnswer(request);
    const [first = Buffer.alloc(0), second = Buffer.alloc(0)] = messages;
    const many = Buffer.concat(Array.from({ length: Math.ceil(65_536 / second.length) }, () => second));
    await writeHeaders(response, 200, headers);
    await write(response, first);
    while (await write(response, many));
  };
}

/** So slow that no first message is complete for the better part of a minute. */
const DRIP_MS = 1000;

/** A first message is longer, in bytes. */
const BEGUN = 3;

function goodAnswer(request: Parameters<Responder>[0]): Script {
  const { headers, parts } = defaultAnswer(request);
  return { headers: { 'content-type': headers['content-type'] ?? '' }, messages: parts };
}

function upTo(phase: Phase, messages: readonly Buffer[]): Buffer[] {
  switch (phase) {
    case 'inside the first message':
      return halved(messages.slice(0, 1));
    case 'inside a message':
      return halved(messages.slice(0, 3));
    case 'between messages':
      return messages.slice(0, 3);
    case 'inside the last message':
      return halved(messages);
    case 'before the end':
      return [...messages];
    default:
      return [];
  }
}

/** All of them, and half of the last. */
function halved(messages: readonly Buffer[]): Buffer[] {
  return messages.map((bytes, index) => (index === messages.length - 1 ? bytes.subarray(0, bytes.length / 2) : bytes));
}
