import { member } from '../json/member.ts';
import { errorTypeOf } from './error-type.ts';
import type { UpstreamAnswer } from './upstream.ts';

/** AWS has refused a signature: not what was asked for, but who asked, or when. */
export class SignatureRefused extends Error {
  override readonly name = 'SignatureRefused';
  /** AWS's error type. */
  readonly code: string;
  /** Whether it was signed too long before or after AWS's time; else AWS does not take the keys. */
  readonly aboutTime: boolean;
  /** AWS's id of the request. */
  readonly requestId: string | undefined;

  constructor(code: string, words: string, requestId: string | undefined) {
    super(words);
    this.code = code;
    this.aboutTime = TIME.has(bare(code)) || (SIGNATURE.has(bare(code)) && /expired|not yet current/i.test(words));
    this.requestId = requestId;
  }
}

/** Without the `Exception` that the protocols of AWS put behind a name, or do not. */
const TIME = new Set(['RequestExpired', 'RequestInTheFuture', 'RequestTimeTooSkewed']);
/** Wrong keys, or the wrong time: the message tells. */
const SIGNATURE = new Set(['InvalidSignature', 'SignatureDoesNotMatch']);
/** Keys that were good before: rotated, deleted, or of a session that has ended. */
const KEYS = new Set(['ExpiredToken', 'InvalidClientTokenId', 'UnrecognizedClient']);

const KINDS = new Set([...TIME, ...SIGNATURE, ...KEYS]);

/**
 * The refusal that an answer is, or undefined when AWS has taken the signature. Reads the body of a refusal, and so that
 * its connection can be used again, all of it.
 */
export function signatureRefusal(answer: UpstreamAnswer): Promise<SignatureRefused> | undefined {
  const { status, headers } = answer;
  if (status < 400 || status >= 500) return undefined;
  const type = errorTypeOf(headers);
  return type === undefined || !KINDS.has(bare(type)) ? undefined : readRefusal(type, answer);
}

async function readRefusal(type: string, answer: UpstreamAnswer): Promise<SignatureRefused> {
  const requestId = answer.headers['x-amzn-requestid'];
  const words = wordsIn(await readShort(answer));
  return new SignatureRefused(type, words, requestId === undefined ? undefined : String(requestId));
}

function bare(type: string): string {
  return type.replace(/Exception$/, '');
}

/** The first line only: below it, AWS may repeat the canonical request, and in it the session token. */
function wordsIn(body: string): string {
  let parsed: unknown;
  try {
    parsed = JSON.parse(body);
  } catch {
    return '';
  }
  const words = member(parsed, 'message') ?? member(parsed, 'Message');
  return typeof words === 'string' ? (words.split(/[\r\n]/, 1)[0] ?? '').slice(0, 300) : '';
}

const SHORT_BYTES = 65_536;

/** What is longer, or breaks off, is left. */
async function readShort(answer: UpstreamAnswer): Promise<string> {
  const chunks: Buffer[] = [];
  let left = SHORT_BYTES;
  try {
    while (left > 0) {
      const chunk = await answer.read();
      if (chunk === undefined) return String(Buffer.concat(chunks));
      chunks.push(chunk);
      left -= chunk.length;
    }
  } catch {
    // What it said is gone; that it was a refusal is known.
  }
  answer.abort();
  return '';
}
