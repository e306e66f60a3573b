import { randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { buffer } from 'node:stream/consumers';
import { listen } from '../../support/listen.ts';
import { admit } from './admission.ts';
import { answerOrError, errorAnswer, sendAnswer } from './answer.ts';
import { callersOf, clientGone, type ReceivedRequest, type Responder } from './received-request.ts';
import { scriptQueue, type ScriptOptions } from './scripts.ts';
import { type ServiceName, SERVICES } from './services.ts';
import type { BedrockKey } from './sigv4-verifier.ts';
import type { AwsAccounts } from '../sts/accounts.ts';
import { type GivenAnswer, type TokensGiven, usageLedger } from './usage-ledger.ts';

/** The key accepted when none is named: the one of AWS's documentation. */
export const EXAMPLE_KEY: BedrockKey = {
  accessKeyId: 'AKIAIOSFODNN7EXAMPLE',
  secretAccessKey: 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY',
};

/** All optional. */
export interface BedrockOptions {
  /** By default the runtime. */
  service?: ServiceName;
  /** Region a signature must be scoped to; `us-east-1` by default. */
  region?: string;
  /** Keys accepted at first; EXAMPLE_KEY by default. */
  keys?: readonly BedrockKey[];
  /** Accounts whose users and sessions may call as well; their sessions end by `clock`. */
  accounts?: Pick<AwsAccounts, 'principal' | 'isExpired'>;
  /** 0, the default, lets the system choose. */
  port?: number;
  /** AWS's time: signatures are judged by it, and the `Date` header shows it. */
  clock?: () => Date;
  /** Pause between the events of a default streamed answer. */
  eventDelayMs?: number;
  /** Awaited before the last event of a default streamed answer is written. */
  lastEventAfter?: () => Promise<void>;
  /** Whether a header that must never reach AWS is refused; off for clients that talk to the emulator directly. */
  strictHeaders?: boolean;
}

/** An endpoint of Amazon Bedrock on the loopback interface. */
export interface BedrockEmulator {
  readonly url: string;
  readonly service: ServiceName;
  readonly region: string;
  /** In order of arrival; a request is here once its body has been read. */
  readonly requests: readonly ReceivedRequest[];
  /** Idle keep-alive connections included. */
  readonly openConnections: number;
  /** Requests whose answer is neither complete nor broken off. */
  readonly activeRequests: number;
  /** Replaces all accepted keys at once. */
  setKeys(keys: readonly BedrockKey[]): void;
  /** Verified requests by who made them: the ARN of a user, or of an assumed role with its session's name. */
  callers(): Readonly<Record<string, number>>;
  /** From now on requests with this session token get ExpiredTokenException. */
  expireSessionToken(token: string): void;
  /** Calls `listener` with every request before it is answered; returns the unsubscription. */
  onRequest(listener: (request: ReceivedRequest) => void): () => void;
  /** Scripts the answer to the next verified request that matches; earlier scripts come first. */
  answer(next: Responder, options?: ScriptOptions): void;
  /** Tokens of the default answers that were sent, at least up to their last event. */
  usageGiven(): {
    readonly byModel: Readonly<Record<string, TokensGiven>>;
    readonly answers: readonly GivenAnswer[];
  };
  /** Forgets requests, scripts, usage and expired tokens, and accepts the first keys again. */
  reset(): void;
  close(): Promise<void>;
}

/** Starts the emulator; rejects when `port` is taken. */
export async function startBedrock(options: BedrockOptions = {}): Promise<BedrockEmulator> {
  const { region = 'us-east-1', keys = [EXAMPLE_KEY], clock = () => new Date() } = options;
  const { eventDelayMs = 0, strictHeaders = true, accounts, lastEventAfter } = options;
  const { service: name = 'bedrock-runtime' } = options;
  const service = SERVICES[name];
  const requests: ReceivedRequest[] = [];
  const listeners = new Set<(request: ReceivedRequest) => void>();
  const expired = new Set<string>();
  const ledger = usageLedger();
  const scripts = scriptQueue();
  let accepted = keys;
  let activeRequests = 0;

  const respondByDefault: Responder = (request, response) => {
    const answer = answerOrError(service.answer, request);
    return sendAnswer(response, answer, {
      eventDelayMs,
      async beforeLast() {
        if (answer.parts.length > 1) await lastEventAfter?.();
        if (!response.destroyed)
          ledger.add(String(response.getHeader('x-amzn-requestid')), request.modelId, answer.tokens);
      },
    });
  };

  const handle = async (incoming: IncomingMessage, response: ServerResponse): Promise<void> => {
    activeRequests += 1;
    response.once('close', () => {
      activeRequests -= 1;
    });
    const aborted = clientGone(incoming, response);
    const body = await buffer(incoming).catch(() => undefined);
    if (body === undefined) return;
    const now = clock();
    const { request, refusal } = admit(incoming, body, aborted, {
      region,
      service,
      now,
      strictHeaders,
      keyFor: (id) => accepted.find(({ accessKeyId }) => accessKeyId === id) ?? accounts?.principal(id)?.key,
      isExpired: (token) => expired.has(token) || accounts?.isExpired(token, now) === true,
      principalFor: (id) => accounts?.principal(id),
    });
    requests.push(request);
    for (const listener of listeners) listener(request);
    response.setHeader('date', request.receivedAt.toUTCString());
    response.setHeader('connection', /^close$/i.test(incoming.headers.connection ?? '') ? 'close' : 'keep-alive');
    response.setHeader('x-amzn-RequestId', randomUUID());
    if (refusal === undefined) await (scripts.take(request) ?? respondByDefault)(request, response);
    else await sendAnswer(response, errorAnswer(refusal));
  };

  // A connection is kept longer than any client keeps it, so that no request meets one that is about to close.
  const server = createServer({ keepAliveTimeout: 120_000 }, (incoming, response) => {
    handle(incoming, response).catch((error: unknown) => {
      response.destroy();
      throw error;
    });
  });
  const { url, sockets, close } = await listen(server, options.port);
  return {
    url,
    service: name,
    region,
    requests,
    get openConnections() {
      return sockets.size;
    },
    get activeRequests() {
      return activeRequests;
    },
    setKeys: (next) => {
      accepted = next;
    },
    callers: () => callersOf(requests),
    expireSessionToken: (token) => void expired.add(token),
    onRequest: (listener) => {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    answer: scripts.add,
    usageGiven: () => ({ byModel: ledger.byModel(), answers: [...ledger.answers] }),
    reset: () => {
      requests.length = 0;
      scripts.clear();
      expired.clear();
      ledger.clear();
      accepted = keys;
    },
    close,
  };
}
