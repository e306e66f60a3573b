import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';

import { listen } from '../support/listen.ts';
import {
  BUSY_INTERVAL_MS,
  ENDLESS_EVENT,
  EVENT_INTERVAL_MS,
  EVENTS,
  FLOOD_BLOCK,
  FLOOD_BLOCKS,
  SLOW_INTERVAL_MS,
  SMALL_ANSWER,
} from './answers.ts';
import { serve } from './child.ts';
import type { ModelId } from './works.ts';

/**
 * Stands for Bedrock where only speed counts: checks nothing, reads the request and answers with fixed bytes. The model
 * id in the path chooses which.
 */
const ANSWERS: Readonly<Record<ModelId, (response: ServerResponse) => void>> = {
  'bench.small': (response) => response.end(SMALL_ANSWER),
  'bench.events': sendEvents,
  'bench.flood': sendFlood,
  'bench.slow': (response) => sendEndlessly(response, SLOW_INTERVAL_MS),
  'bench.busy': (response) => sendEndlessly(response, BUSY_INTERVAL_MS),
};

const STREAM_HEAD = { 'content-type': 'application/vnd.amazon.eventstream', 'x-amzn-requestid': 'bench' };
const SMALL_HEAD = {
  'content-type': 'application/json',
  'content-length': String(SMALL_ANSWER.length),
  'x-amzn-requestid': 'bench',
};

function handle(request: IncomingMessage, response: ServerResponse): void {
  const model = decodeURIComponent(request.url?.split('/')[2] ?? '') as ModelId;
  const answer = ANSWERS[model];
  request.resume();
  request.once('end', () => {
    if (answer === undefined) return void response.writeHead(404).end();
    response.writeHead(200, model === 'bench.small' ? SMALL_HEAD : STREAM_HEAD);
    return answer(response);
  });
}

/** On a schedule, not after pauses: late events do not delay the ones after them. */
function sendEvents(response: ServerResponse): void {
  const start = performance.now();
  const send = (index: number): void => {
    const event = EVENTS[index];
    if (event === undefined) return void response.end();
    response.write(event);
    const due = start + EVENT_INTERVAL_MS * (index + 1);
    setTimeout(send, Math.max(0, due - performance.now()), index + 1);
    return undefined;
  };
  send(0);
}

function sendFlood(response: ServerResponse): void {
  let sent = 0;
  const sendMore = (): void => {
    while (sent < FLOOD_BLOCKS) {
      sent += 1;
      if (!response.write(FLOOD_BLOCK)) return void response.once('drain', sendMore);
    }
    response.end();
    return undefined;
  };
  sendMore();
}

function sendEndlessly(response: ServerResponse, intervalMs: number): void {
  response.write(ENDLESS_EVENT);
  const timer = setInterval(() => response.write(ENDLESS_EVENT), intervalMs);
  response.once('close', () => clearInterval(timer));
}

// Connections rest while other contenders have their turn.
const server = createServer({ keepAliveTimeout: 600_000, requestTimeout: 0 }, handle);
const { url } = await listen(server);

const service = { url: () => url };
export type UpstreamService = typeof service;
serve(service);
