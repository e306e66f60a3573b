import { readdirSync } from 'node:fs';
import { join } from 'node:path';

import { root } from './root.ts';

/** Folders that hold nothing of this project's own. */
const FOREIGN = new Set(['node_modules', 'dist', 'coverage', '.git']);

/** Every Markdown file of the project, by its path from the root. */
export function documents(folder = ''): string[] {
  return readdirSync(join(root, folder), { withFileTypes: true }).flatMap((entry) => {
    const path = folder === '' ? entry.name : `${folder}/${entry.name}`;
    if (entry.isDirectory()) return FOREIGN.has(entry.name) ? [] : documents(path);
    return entry.name.endsWith('.md') ? [path] : [];
  });
}

/** The cells of every row of all tables whose first column has this head. */
export function rowsUnder(markdown: string, head: string): string[][] {
  const lines = markdown.split('\n');
  return lines.flatMap((line, index) => {
    if (!/^\|[-|]+\|$/.test(line) || cellsOf(lines[index - 1] ?? '')[0] !== head) return [];
    const rest = lines.slice(index + 1);
    const end = rest.findIndex((row) => !row.startsWith('|'));
    return rest.slice(0, end === -1 ? rest.length : end).map(cellsOf);
  });
}

/** What a cell shows as code. */
export function codeIn(cell: string): string[] {
  return Array.from(cell.matchAll(/`([^`]+)`/g), ([, text = '']) => text);
}

/** Blocks of code in one language. */
export function blocksIn(markdown: string, language: string): string[] {
  return Array.from(markdown.matchAll(new RegExp(`^\`\`\`${language}\\n([\\s\\S]*?)^\`\`\`$`, 'gm')), ([, block]) =>
    (block ?? '').trimEnd(),
  );
}

/** Without blocks of code, in which nothing is a link or a heading. */
export function proseOf(markdown: string): string {
  return markdown.replaceAll(/^```[\s\S]*?^```$/gm, '');
}

/** What GitHub makes of the headings: lower case, punctuation away, dashes for spaces, a number where there are two. */
export function anchorsOf(markdown: string): Set<string> {
  const anchors = new Set<string>();
  for (const [, heading = ''] of proseOf(markdown).matchAll(/^#{1,6} +(.+)$/gm)) {
    const words = heading.replaceAll(/\[([^\]]*)\]\([^)]*\)/g, '$1').toLowerCase();
    const slug = words.replaceAll(/[^\p{L}\p{N}\p{M}_ -]/gu, '').replaceAll(' ', '-');
    let anchor = slug;
    for (let count = 1; anchors.has(anchor); count += 1) anchor = `${slug}-${count}`;
    anchors.add(anchor);
  }
  return anchors;
}

/** Targets of all links and pictures that lead to the project itself. */
export function linksOf(markdown: string): string[] {
  const text = proseOf(markdown).replaceAll(/`[^`\n]*`/g, '');
  return Array.from(text.matchAll(/\]\(([^)\s]+)\)/g), ([, target = '']) => target).filter(
    (target) => !/^[a-z][a-z0-9+.-]*:/i.test(target),
  );
}

function cellsOf(row: string): string[] {
  return row
    .split('|')
    .slice(1, -1)
    .map((cell) => cell.trim());
}
