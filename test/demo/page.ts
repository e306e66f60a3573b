import { styleText } from 'node:util';

import { fit, wrap } from './columns.ts';

/** Where the page goes, such as `process.stdout`. */
export interface Output {
  write(text: string): unknown;
  readonly isTTY?: boolean;
}

/** A page of plain text, a hundred columns wide, that is written from top to bottom. */
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
  /** Two things side by side, row by row. */
  compare(heads: readonly [left: string, right: string], rows: readonly ComparedRow[]): void;
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

const WIDTH = 100;
const INDENT = '   ';
const LABEL = 20;
const LEFT = 36;
const RIGHT = WIDTH - INDENT.length - LABEL - LEFT - 4;

/** A page on `output`: in colour on a terminal, unless NO_COLOR has a value (no-color.org). */
export function createPage(output: Output, environment: Readonly<Record<string, string | undefined>>): Page {
  const coloured = output.isTTY === true && !environment['NO_COLOR'];
  const paint = (format: 'bold' | 'dim' | 'green' | 'red', text: string): string =>
    coloured ? styleText(format, text, { validateStream: false }) : text;
  const print = (line: string): void => void output.write(`${line}\n`);
  const row = ([label, left, right]: ComparedRow): string =>
    `${INDENT}${fit(label, LABEL)}  ${fit(left, LEFT)}  ${fit(right, RIGHT)}`.trimEnd();
  const paragraph = (text: string): void => wrap(text, WIDTH - INDENT.length).forEach((line) => print(INDENT + line));
  const verdict = (word: string, check: string): void =>
    wrap(check, WIDTH - INDENT.length - 8).forEach((line, index) =>
      print(`${INDENT}${index === 0 ? word : '      '}  ${line}`),
    );

  return {
    title: (text) => print(paint('bold', text)),
    step(number, title) {
      print('');
      print(paint('bold', `${number}  ${title}`));
    },
    text: paragraph,
    line: (label, text) => print(`${INDENT}${paint('dim', label)}  ${text}`.trimEnd()),
    stage(label, text) {
      print(INDENT + paint('dim', label));
      print(INDENT + fit(text, WIDTH - INDENT.length).trimEnd());
    },
    compare(heads, rows) {
      print(paint('dim', row(['', ...heads])));
      for (const each of rows) print(row(each));
    },
    table(columns, rows) {
      const line = (cells: readonly string[]): string => {
        const fitted = columns.map(({ width, right }, index) => {
          const cell = cells[index] ?? '';
          return right === true && cell.length < width ? cell.padStart(width) : fit(cell, width);
        });
        return (INDENT + fitted.join('  ')).trimEnd();
      };
      print(paint('dim', line(columns.map(({ head }) => head))));
      for (const cells of rows) print(line(cells));
    },
    passed: (check) => verdict(paint('green', 'ok    '), check),
    failed(check, reason) {
      verdict(paint('red', 'FAILED'), check);
      paragraph(reason);
    },
    gap: () => print(''),
  };
}
