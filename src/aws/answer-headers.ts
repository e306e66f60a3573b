/** As undici gives them: names in lower case, values as the bytes that came (latin1), a repeated field as an array. */
export type AnswerHeaders = Readonly<Record<string, string | string[]>>;

/** Other transfer codings without this one leave the end to the end of the connection (RFC 9112 section 6.3). */
export function isChunked(headers: AnswerHeaders): boolean {
  return /(^|[\s,])chunked\s*$/i.test(String(headers['transfer-encoding']));
}
