/** One answer of a server, as its bytes say. */
export interface RawAnswer {
  readonly status: number;
  /** Names in lower case; repeated fields joined with a comma. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  /** Statuses of the interim answers before it. */
  readonly interim: readonly number[];
}

/**
 * The complete answers at the start of the bytes of a connection.
 *
 * @param methods of the requests in turn: an answer to HEAD has no body whatever its headers say
 * @param closed whether no more bytes will come, which is what ends a body without a length
 */
export function readAnswers(bytes: Buffer, methods: readonly string[], closed: boolean): RawAnswer[] {
  const text = bytes.toString('latin1');
  const answers: RawAnswer[] = [];
  let interim: number[] = [];
  for (let at = 0; at < text.length;) {
    const headEnd = text.indexOf('\r\n\r\n', at);
    if (headEnd === -1) break;
    const [statusLine = '', ...lines] = text.slice(at, headEnd).split('\r\n');
    const status = Number(/^HTTP\/1\.1 (\d{3})/.exec(statusLine)?.[1]);
    if (Number.isNaN(status)) throw new Error(`no status line: ${JSON.stringify(statusLine)}`);
    at = headEnd + 4;
    if (status < 200) {
      interim.push(status);
      continue;
    }
    const headers = readFields(lines);
    const bodiless = methods[answers.length] === 'HEAD' || status === 204 || status === 304;
    const body = bodiless ? { text: '', end: at } : readBody(text, at, headers, closed);
    if (body === undefined) break;
    answers.push({ status, headers, body: body.text, interim });
    interim = [];
    at = body.end;
  }
  return answers;
}

function readFields(lines: readonly string[]): Record<string, string> {
  const headers: Record<string, string> = {};
  for (const line of lines) {
    const colon = line.indexOf(':');
    const name = line.slice(0, colon).toLowerCase();
    const value = line.slice(colon + 1).trim();
    headers[name] = headers[name] === undefined ? value : `${headers[name]}, ${value}`;
  }
  return headers;
}

/** Undefined while the body is not complete. */
function readBody(
  text: string,
  start: number,
  headers: Readonly<Record<string, string>>,
  closed: boolean,
): { text: string; end: number } | undefined {
  if (headers['transfer-encoding'] !== undefined) return readChunks(text, start);
  const length = headers['content-length'];
  if (length === undefined) return closed ? { text: text.slice(start), end: text.length } : undefined;
  const end = start + Number(length);
  return end <= text.length ? { text: text.slice(start, end), end } : undefined;
}

function readChunks(text: string, start: number): { text: string; end: number } | undefined {
  let body = '';
  for (let at = start; ;) {
    const lineEnd = text.indexOf('\r\n', at);
    if (lineEnd === -1) return undefined;
    const size = Number.parseInt(text.slice(at, lineEnd), 16);
    if (Number.isNaN(size)) throw new Error('an answer with a damaged chunk');
    const end = lineEnd + 2 + size;
    if (text.length < end + 2) return undefined;
    if (size === 0) return { text: body, end: end + 2 };
    body += text.slice(lineEnd + 2, end);
    at = end + 2;
  }
}
