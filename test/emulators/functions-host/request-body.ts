import type { IncomingMessage } from 'node:http';

/**
 * Reads a body with a length whole, as the HTTP trigger does before the worker hears of the call. Undefined when the
 * client broke off, or the rest does not come.
 */
export function readBody(request: IncomingMessage, broken: AbortSignal): Promise<Buffer[] | undefined> {
  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.once('end', () => resolve(chunks));
    request.once('close', () => resolve(undefined));
    broken.addEventListener('abort', () => resolve(undefined), { once: true });
  });
}
