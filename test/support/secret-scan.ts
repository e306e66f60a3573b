/** Something that was logged or answered. */
export interface Text {
  readonly where: string;
  readonly text: string;
}

/** A piece of a secret this long is a leak too; a shorter one may stand in an innocent text by chance. */
const PIECE = 20;

/**
 * Looks for secrets in texts: as they are, in the encodings in which they travel (JSON, percent, base64, hexadecimal),
 * and in pieces.
 *
 * @param secrets values by the names to report them under; none may be shorter than eight characters
 * @returns `<name> in <where>` for each find, once
 */
export function findSecrets(secrets: ReadonlyMap<string, string>, texts: readonly Text[]): string[] {
  const finds = new Set<string>();
  for (const [name, value] of secrets) {
    if (value.length < 8) throw new Error(`${name} is too short to be looked for.`);
    const forms = formsOf(value);
    for (const { where, text } of texts) {
      if (forms.some((form) => text.includes(form))) finds.add(`${name} in ${where}`);
    }
  }
  return [...finds];
}

function formsOf(value: string): readonly string[] {
  const bytes = Buffer.from(value);
  const pieces = Array.from({ length: Math.max(0, Math.floor((value.length - PIECE) / PIECE) + 1) }, (_, index) =>
    value.slice(index * PIECE, (index + 1) * PIECE),
  );
  return [
    value,
    ...pieces,
    JSON.stringify(value).slice(1, -1),
    encodeURIComponent(value),
    bytes.toString('hex'),
    ...[0, 1, 2].flatMap((offset) => base64Within(bytes, offset)),
  ];
}

/** The characters that base64 has for these bytes alone, `offset` bytes after a multiple of three. */
function base64Within(bytes: Buffer, offset: number): string[] {
  const shifted = Buffer.concat([Buffer.alloc(offset), bytes]);
  const from = Math.ceil((offset * 4) / 3);
  const to = Math.floor(shifted.length / 3) * 4;
  return (['base64', 'base64url'] as const).map((encoding) => shifted.toString(encoding).slice(from, to));
}
