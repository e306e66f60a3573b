import { styleText } from 'node:util';

import { beside, fit, type Place, wrap } from './columns.ts';

/** Where the page goes, such as `process.stdout`. */
export interface Output {
  write(text: string): unknown;
  readonly isTTY?: boolean;
  /** Width of the terminal. */
  readonly columns?: number;
}

/** A page of plain text that is written from top to bottom. */
export interface Page {
  title(text: string): void;
  /** Heading of a step, with its number. */
  step(number: number, title: string): void;
  /** A paragraph. */
  text(paragraph: string): void;
  /** One line with something short before it, such as a time. */
  line(label: string, text: string): void;
  /** One line below what it is; too long a text loses its middle. */
  stage(label: string, text: string): void;
  /** Two things side by side, row by row; words fold, what cannot loses its middle. */
  compare(heads: readonly [left: string, right: string], rows: readonly ComparedRow[]): void;
  /** Where it is too wide, the numbers of a row stand below its names. */
  table(columns: readonly Column[], rows: readonly (readonly string[])[]): void;
  passed(check: string): void;
  failed(check: string, reason: string): void;
  gap(): void;
}

/** A column of a table; numbers stand on its right side. */
export interface Column {
  readonly head: string;
  readonly width: number;
  readonly right?: true;
}

export type ComparedRow = readonly [label: string, left: string, right: string];

/** Narrower, tables would have to lose columns; wider, lines would be too long to read. */
const WIDTHS = { least: 60, most: 100, ofNoTerminal: 80 } as const;
const INDENT = '   ';
const LABEL = 20;
const GAP = '  ';

/** A page on `output`: in colour on a terminal, unless NO_COLOR has a value (no-color.org). */
export function createPage(output: Output, environment: Readonly<Record<string, string | undefined>>): Page {
  const coloured = output.isTTY === true && !environment['NO_COLOR'];
  const paint = (format: 'bold' | 'dim' | 'green' | 'red', text: string): string =>
    coloured ? styleText(format, text, { validateStream: false }) : text;
  const print = (line: string): void => void output.write(`${line}\n`);
  const { columns: terminal = WIDTHS.ofNoTerminal } = output;
  const width = Math.min(Math.max(terminal, WIDTHS.least), WIDTHS.most);
  const room = width - INDENT.length;
  const rows = (cells: readonly string[], places: readonly Place[]): string[] =>
    beside(cells, places, GAP).map((line) => INDENT + line);
  const paragraph = (text: string): void => wrap(text, room).forEach((line) => print(INDENT + line));
  const verdict = (word: string, check: string): void =>
    wrap(check, room - 8).forEach((line, index) => print(`${INDENT}${index === 0 ? word : '      '}  ${line}`));

  return {
    title: (text) => wrap(text, width).forEach((line) => print(paint('bold', line))),
    step(number, title) {
      print('');
      print(paint('bold', `${number}  ${title}`));
    },
    text: paragraph,
    line: (label, text) => print(`${INDENT}${paint('dim', label)}  ${text}`.trimEnd()),
    stage(label, text) {
      print(INDENT + paint('dim', label));
      print(INDENT + fit(text, room).trimEnd());
    },
    compare(heads, compared) {
      const longestWords = (side: 1 | 2) =>
        Math.max(...compared.flatMap((cells) => cells[side].split(' ').map((word) => word.length)));
      const [left, right] = shares(room - LABEL - 2 * GAP.length, longestWords(1), longestWords(2));
      const places = [LABEL, left, right].map((columns) => ({ width: columns, folds: true as const }));
      for (const line of rows(['', ...heads], places)) print(paint('dim', line));
      for (const line of compared.flatMap((cells) => rows(cells, places))) print(line);
    },
    table(columns, body) {
      const fits = columns.reduce((sum, column) => sum + column.width + GAP.length, -GAP.length) <= room;
      const names = columns.filter(({ right }) => right !== true).length;
      const lines = (cells: readonly string[]): string[] => {
        if (fits) return rows(cells, columns);
        const [first = '', ...others] = cells.slice(0, names);
        const label = [first.padEnd(columns[0]?.width ?? 0), ...others].join(GAP);
        return [INDENT + fit(label, room).trimEnd(), ...rows(cells.slice(names), columns.slice(names))];
      };
      for (const line of lines(columns.map(({ head }) => head))) print(paint('dim', line));
      for (const line of body.flatMap(lines)) print(line);
    },
    passed: (check) => verdict(paint('green', 'ok    '), check),
    failed(check, reason) {
      verdict(paint('red', 'FAILED'), check);
      paragraph(reason);
    },
    gap: () => print(''),
  };
}

/** Two columns of the same width; where the longest word of one needs more and the other can spare it, it gets that. */
function shares(columns: number, leftNeeds: number, rightNeeds: number): [left: number, right: number] {
  const half = Math.floor(columns / 2);
  const left = leftNeeds + rightNeeds > columns ? half : Math.min(Math.max(half, leftNeeds), columns - rightNeeds);
  return [left, columns - left];
}
