import { createServer } from 'node:http';
import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { buffer } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { listen } from '../../support/listen.ts';

/** A request as it arrived, whether or not it was answered. */
export interface RecordedRequest {
  readonly method: string;
  readonly url: URL;
  readonly headers: IncomingHttpHeaders;
  /** Names and values in turn, as they came: what a signature covers. */
  readonly rawHeaders: readonly string[];
}

export interface Answer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** Sent as JSON; bytes as they are. */
  readonly body: unknown;
}

/** What every emulated Azure endpoint can be watched for and made to do wrong. */
export interface Endpoint {
  /** Origin without a trailing slash. */
  readonly url: string;
  /** Every request in the order of arrival, those of an outage included. */
  readonly requests: readonly RecordedRequest[];
  /** The next request to arrive, as soon as it has; it need not be answered yet. */
  nextRequest(): Promise<RecordedRequest>;
  /** While on, open connections and those of new requests are reset (the client sees ECONNRESET). */
  outage(on: boolean): void;
  /** Resets the connections of the next `times` requests, as when they come just while an idle connection is closed. */
  reset(times: number): void;
  /** While on, requests are accepted and not answered; those still waiting when it goes off are answered then. */
  hang(on: boolean): void;
  /** Milliseconds every later answer waits. */
  delay(ms: number): void;
  /** Stops the server and destroys its connections. */
  close(): Promise<void>;
}

export interface JsonServer extends Endpoint {
  /** Gives `answer` to the next `times` requests, whatever they ask. A later call replaces an earlier one; 0 ends it. */
  override(answer: Answer, times: number): void;
}

/**
 * A loopback server whose answers are JSON and come from `answer`. What `answer` throws becomes a 500 with its text.
 *
 * @param tls key and certificate in PEM, for https
 */
export async function startJsonServer(
  answer: (request: RecordedRequest, body: Buffer) => Answer | Promise<Answer>,
  tls?: { readonly key: string; readonly cert: string },
): Promise<JsonServer> {
  const requests: RecordedRequest[] = [];
  let arrival = Promise.withResolvers<RecordedRequest>();
  let down = false;
  let resetsLeft = 0;
  let gate: PromiseWithResolvers<void> | undefined;
  let latencyMs = 0;
  let override: Answer | undefined;
  let overridesLeft = 0;

  async function respond(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    const closed = new Promise<void>((resolve) => {
      response.once('close', resolve);
    });
    // Joined as text: as a reference relative to the origin, a target that starts with two slashes would name a host.
    const url = new URL(`${origin}${incoming.url ?? '/'}`);
    const { method = '', headers: sent, rawHeaders } = incoming;
    const request = { method, url, headers: sent, rawHeaders };
    requests.push(request);
    arrival.resolve(request);
    arrival = Promise.withResolvers();
    const whole = buffer(incoming);
    // A sender may give up in the middle.
    whole.catch(() => {});

    if (down) return resetAll();
    if (resetsLeft > 0) {
      resetsLeft -= 1;
      incoming.socket.resetAndDestroy();
      return;
    }
    if (gate !== undefined) await Promise.race([gate.promise, closed]);
    if (latencyMs > 0) await Promise.race([sleep(latencyMs, undefined, { ref: false }), closed]);
    if (incoming.socket.destroyed) return;

    const { status, headers, body } = takeOverride() ?? (await answer(request, await whole));
    response.writeHead(status, { 'content-type': 'application/json; charset=utf-8', ...headers });
    response.end(Buffer.isBuffer(body) ? body : JSON.stringify(body));
  }

  function takeOverride(): Answer | undefined {
    if (overridesLeft <= 0) return undefined;
    overridesLeft -= 1;
    return override;
  }

  const onRequest = (incoming: IncomingMessage, response: ServerResponse) => {
    respond(incoming, response).catch((error: unknown) => {
      if (response.headersSent) response.destroy();
      else response.writeHead(500, { 'content-type': 'text/plain' }).end(String(error));
    });
  };
  const server = tls === undefined ? createServer(onRequest) : createTlsServer(tls, onRequest);
  const listening = await listen(server);
  // By name: certificates without an alternative name are good for none but that.
  const origin = tls === undefined ? listening.url : `https://localhost:${listening.port}`;
  const resetAll = () => {
    for (const socket of listening.sockets) socket.resetAndDestroy();
  };

  return {
    url: origin,
    requests,
    nextRequest: () => arrival.promise,
    outage(on) {
      down = on;
      if (on) resetAll();
    },
    reset(times) {
      resetsLeft = times;
    },
    hang(on) {
      if (on) {
        gate ??= Promise.withResolvers();
      } else {
        gate?.resolve();
        gate = undefined;
      }
    },
    delay(ms) {
      latencyMs = ms;
    },
    override(value, times) {
      override = value;
      overridesLeft = times;
    },
    close: () => listening.close(),
  };
}
