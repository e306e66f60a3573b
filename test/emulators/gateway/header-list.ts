/** Headers in the order and spelling of the wire; names are compared without regard to case. */
export type HeaderList = readonly (readonly [name: string, value: string])[];

/** From Node's flat `rawHeaders`. */
export function headerList(rawHeaders: readonly string[]): HeaderList {
  const headers: [string, string][] = [];
  for (let index = 0; index + 1 < rawHeaders.length; index += 2) {
    headers.push([rawHeaders[index] ?? '', rawHeaders[index + 1] ?? '']);
  }
  return headers;
}

/** As Node's functions take raw headers. */
export function flatten(headers: HeaderList): string[] {
  return headers.flatMap(([name, value]) => [name, value]);
}

function isNamed(name: string): (header: readonly [string, string]) => boolean {
  const wanted = name.toLowerCase();
  return ([found]) => found.toLowerCase() === wanted;
}

/** All values of a header, in order. */
export function valuesOf(headers: HeaderList, name: string): string[] {
  return headers.filter(isNamed(name)).map(([, value]) => value);
}

export function without(headers: HeaderList, name: string): HeaderList {
  const named = isNamed(name);
  return headers.filter((header) => !named(header));
}

const HOP_BY_HOP = ['connection', 'keep-alive', 'proxy-connection', 'te', 'trailer', 'transfer-encoding', 'upgrade'];

/** Without what speaks of one connection only, the headers that `Connection` names included (RFC 9110, 7.6.1). */
export function endToEnd(headers: HeaderList): HeaderList {
  const named = valuesOf(headers, 'connection').flatMap((value) => value.split(',').map((name) => name.trim()));
  const dropped = new Set([...HOP_BY_HOP, ...named].map((name) => name.toLowerCase()));
  return headers.filter(([name]) => !dropped.has(name.toLowerCase()));
}
