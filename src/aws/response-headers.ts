/** Names in lower case, values as the bytes that came (latin1); a repeated field as an array. */
export type AnswerHeaders = Readonly<Record<string, string | string[]>>;

/** Other transfer codings without this one leave the end to the end of the connection (RFC 9112 section 6.3). */
export function isChunked(headers: AnswerHeaders): boolean {
  return /(^|[\s,])chunked\s*$/i.test(String(headers['transfer-encoding']));
}

/** @param raw names and values in turn, as undici gives them */
export function readHeaders(raw: readonly Buffer[]): AnswerHeaders {
  const headers: Record<string, string | string[]> = Object.create(null);
  for (let index = 0; index + 1 < raw.length; index += 2) {
    const name = String(raw[index]).toLowerCase();
    const value = raw[index + 1]?.toString('latin1') ?? '';
    const before = headers[name];
    headers[name] = before === undefined ? value : [before, value].flat();
  }
  return headers;
}
