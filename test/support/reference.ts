import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { root } from './root.ts';

function read(path: string): string {
  return readFileSync(join(root, path), 'utf8');
}

/** Fields of the record by its types. */
export function declaredFields(): string[] {
  return [
    ...membersOf('src/record/record.ts', 'RequestRecord'),
    ...membersOf('src/usage/token-usage.ts', 'TokenUsage'),
  ];
}

/** Fields that its page describes. */
export function documentedFields(): string[] {
  return firstCells('field');
}

/** What a page describes in a table whose first column has this head. */
export function firstCells(head: string, page = 'src/record/README.md'): string[] {
  const [, table = ''] = read(page).split(new RegExp(`^\\| ${head} \\|.*\\n\\|[-|]+\\|\\n`, 'm'));
  const rows = /^(?:\|.*\n)*/.exec(table)?.[0].split('\n') ?? [];
  return rows.flatMap((row) => Array.from((row.split('|')[1] ?? '').matchAll(/`([^`]+)`/g), ([, name = '']) => name));
}

/** The strings of a union: of an exported type, or of the type of a member. */
export function stringsOf(path: string, name: string): string[] {
  const [, union = ''] = new RegExp(`\\b${name}\\??(?: =|:)([^;]+);`).exec(read(path)) ?? [];
  return Array.from(union.matchAll(/'([^']+)'/g), ([, value = '']) => value);
}

function membersOf(path: string, name: string): string[] {
  const [, body = ''] = new RegExp(`interface ${name}\\b[^{]*\\{\\n([\\s\\S]*?)\\n\\}`).exec(read(path)) ?? [];
  return Array.from(body.matchAll(/^ {2}(?:readonly )?(\w+)\??:/gm), ([, member = '']) => member);
}
