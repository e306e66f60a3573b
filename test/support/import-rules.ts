import { describeImport, type Import } from './source-imports.ts';

/**
 * What each room may import beside itself. A room is a folder of `src`, or a file beside the folders. `json` allows a
 * room, `type json` its types only, `json/object` one file of it.
 */
export type ImportTable = Readonly<Record<string, readonly string[]>>;

/** The room of a file of `src`. */
export function roomOf(path: string): string {
  return path.split('/', 1)[0]?.replace(/\.ts$/, '') ?? '';
}

/** Imports that the table does not allow; all those of a room that has no row. */
export function forbidden(imports: readonly Import[], table: ImportTable): string[] {
  const found = imports.filter(({ from, target, kind }) => {
    const [room, other] = [roomOf(from), roomOf(target)];
    if (room === other) return false;
    const names = [other, target.replace(/\.ts$/, '')];
    const allowing = kind === 'type' ? [...names, ...names.map((name) => `type ${name}`)] : names;
    return table[room]?.some((allowed) => allowing.includes(allowed)) !== true;
  });
  return found.map(describeImport);
}

/**
 * How high each room lies: above all that it may import, the lowest at 1.
 *
 * @throws Error that names a circle of rooms
 */
export function floorsOf(table: ImportTable): ReadonlyMap<string, number> {
  const floors = new Map<string, number>();
  const floorOf = (room: string, above: readonly string[]): number => {
    if (above.includes(room)) throw new Error(`A circle of rooms: ${[...above, room].join(' → ')}`);
    const known = floors.get(room);
    if (known !== undefined) return known;
    const below = (table[room] ?? []).map((allowed) =>
      floorOf(roomOf(allowed.replace(/^type /, '')), [...above, room]),
    );
    const floor = 1 + Math.max(0, ...below);
    floors.set(room, floor);
    return floor;
  };
  for (const room in table) floorOf(room, []);
  return floors;
}

/** Files that import each other in a circle, types included. */
export function circlesOf(imports: readonly Import[]): string[] {
  const targets = Map.groupBy(imports, ({ from }) => from);
  const done = new Set<string>();
  const circles: string[] = [];
  const visit = (file: string, path: readonly string[]) => {
    const start = path.indexOf(file);
    if (start !== -1) circles.push([...path.slice(start), file].join(' → '));
    if (start !== -1 || done.has(file)) return;
    for (const { target } of targets.get(file) ?? []) visit(target, [...path, file]);
    done.add(file);
  };
  for (const file of targets.keys()) visit(file, []);
  return circles;
}
