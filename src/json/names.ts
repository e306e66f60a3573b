/** The beginnings of names that are looked for, each with the letters that may follow. */
export interface NamePlace {
  /** A name ends here. */
  readonly whole: boolean;
  readonly next: ReadonlyMap<string, NamePlace>;
}

/**
 * @param names ASCII letters
 * @param anyCase whether capitals do not count
 */
export function placesOf(names: readonly string[], anyCase: boolean): NamePlace {
  const next = new Map<string, NamePlace>();
  const firsts = new Set(names.map((name) => name.charAt(0)).filter((first) => first !== ''));
  for (const first of firsts) {
    const letters = anyCase ? new Set([first.toLowerCase(), first.toUpperCase()]) : new Set([first]);
    const rests = names.filter((name) => letters.has(name.charAt(0))).map((name) => name.slice(1));
    const place = placesOf(rests, anyCase);
    for (const letter of letters) next.set(letter, place);
  }
  return { whole: names.includes(''), next };
}
