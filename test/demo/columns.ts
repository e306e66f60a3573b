/** `text` in exactly `width` columns: padded, or with its middle left out. */
export function fit(text: string, width: number): string {
  if (text.length <= width) return text.padEnd(width);
  const head = Math.ceil((width - 1) / 2);
  return `${text.slice(0, head)}…${text.slice(head + 1 - width)}`;
}

/** Lines of at most `width` columns: those of the text, broken at spaces. A longer word stays whole. */
export function wrap(text: string, width: number): string[] {
  return text.split('\n').flatMap((line) => wrapLine(line, width));
}

function wrapLine(text: string, width: number): string[] {
  const lines: string[] = [];
  for (const word of text.split(' ')) {
    const line = lines.at(-1);
    if (line === undefined || line.length + 1 + word.length > width) lines.push(word);
    else lines[lines.length - 1] = `${line} ${word}`;
  }
  return lines;
}

/** Where a cell stands: numbers on the right side of their column; prose may go on in the next line. */
export interface Place {
  readonly width: number;
  readonly right?: true;
  readonly folds?: true;
}

/** Cells beside each other, in one line, or in more where the words of one fold. */
export function beside(cells: readonly string[], places: readonly Place[], gap: string): string[] {
  const columns = places.map((place, index) => linesOf(cells[index] ?? '', place));
  const height = Math.max(...columns.map((lines) => lines.length));
  return Array.from({ length: height }, (_, row) =>
    columns
      .map((lines, index) => lines[row] ?? ' '.repeat(places[index]?.width ?? 0))
      .join(gap)
      .trimEnd(),
  );
}

function linesOf(cell: string, { width, right, folds }: Place): string[] {
  if (right === true && cell.length < width) return [cell.padStart(width)];
  const isProse = folds === true && cell.split(' ').every((word) => word.length <= width);
  return (isProse ? wrap(cell, width) : [cell]).map((line) => fit(line, width));
}

/** A secret as far as it may be shown: enough to recognise it, not enough to use it. */
export function mask(secret: string): string {
  return `${secret.slice(0, 4)}… (${secret.length} characters)`;
}
