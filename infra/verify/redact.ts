/** Takes a secret out of a text, in whatever of the usual encodings it stands there. */
export type Redact = (text: string) => string;

const SHOWN = '(key)';

/** @param secret empty: nothing is taken out */
export function createRedact(secret: string): Redact {
  if (secret === '') return (text) => text;
  const forms = new Set([
    secret,
    encodeURIComponent(secret),
    JSON.stringify(secret).slice(1, -1),
    Buffer.from(secret).toString('base64'),
    Buffer.from(secret).toString('base64url'),
  ]);
  const longestFirst = [...forms].toSorted((a, b) => b.length - a.length);
  return (text) => longestFirst.reduce((clean, form) => clean.replaceAll(form, SHOWN), text);
}
