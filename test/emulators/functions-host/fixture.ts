import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { request as httpRequest, type IncomingHttpHeaders, type IncomingMessage } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';

/** What the tests of this emulator need: an app in a folder, and a client that sends a request as it is given. */

/** Writes an app with this CommonJS code, in which `app` is the library's. The result is its folder; `remove` it. */
export async function createApp(
  code: string,
  hostJson: object = {},
): Promise<{ directory: string; remove(): Promise<void> }> {
  const directory = await mkdtemp(join(tmpdir(), 'functions-app-'));
  const library = fileURLToPath(import.meta.resolve('@azure/functions'));
  await writeFile(join(directory, 'host.json'), JSON.stringify({ version: '2.0', ...hostJson }));
  await writeFile(join(directory, 'package.json'), JSON.stringify({ main: 'index.cjs' }));
  await writeFile(
    join(directory, 'index.cjs'),
    `const { app } = require(${JSON.stringify(library)});\napp.setup({ enableHttpStream: true });\n${code}`,
  );
  return { directory, remove: () => rm(directory, { recursive: true }) };
}

export interface CallOptions {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string | string[]>>;
  readonly body?: string | Buffer;
  /** Sends the body in chunks, without a length. */
  readonly chunked?: boolean;
}

export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** Sends a request whose path goes out byte for byte, and resolves with the answer once its headers are there. */
export function open(origin: string, path: string, options: CallOptions = {}): Promise<IncomingMessage> {
  const { method = 'GET', headers = {}, body, chunked = false } = options;
  const { hostname, port } = new URL(origin);
  const length = body === undefined || chunked ? {} : { 'content-length': String(Buffer.byteLength(body)) };
  return new Promise((resolve, reject) => {
    const request = httpRequest(
      { hostname, port, path, method, headers: { ...headers, ...length }, agent: false },
      resolve,
    );
    request.once('error', reject);
    if (chunked) request.write(body);
    request.end(chunked ? undefined : body);
  });
}

/** The same, with the whole answer. Rejects when it is cut. */
export async function call(origin: string, path: string, options: CallOptions = {}): Promise<Answer> {
  const response = await open(origin, path, options);
  return { status: response.statusCode ?? 0, headers: response.headers, body: await text(response) };
}
