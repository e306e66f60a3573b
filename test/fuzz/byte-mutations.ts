import type { Random } from './random.ts';

type MutateBytes = (bytes: Buffer, random: Random) => Buffer;

const BYTE_MUTATIONS: readonly MutateBytes[] = [
  (bytes, random) => {
    const mutated = Buffer.from(bytes);
    for (let count = 1 + random.integer(4); count > 0; count -= 1) {
      const at = random.integer(bytes.length);
      mutated[at] = (mutated[at] ?? 0) ^ (1 << random.integer(8));
    }
    return mutated;
  },
  (bytes, random) => {
    const at = random.integer(bytes.length);
    return Buffer.concat([bytes.subarray(0, at), random.bytes(1 + random.integer(6)), bytes.subarray(at)]);
  },
  (bytes, random) => {
    const at = random.integer(bytes.length);
    return Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + 1 + random.integer(20))]);
  },
  (bytes, random) => {
    const at = random.integer(bytes.length);
    const copied = bytes.subarray(at, at + random.integer(200));
    return Buffer.concat([bytes.subarray(0, at), copied, bytes.subarray(at)]);
  },
  (bytes, random) => {
    const at = random.integer(bytes.length);
    const inserted = random.pick([
      '\r\n',
      '\n',
      '\r',
      '\0',
      '\r\n\r\n',
      ' ',
      '\t',
      ':',
      '0\r\n\r\n',
      'GET / HTTP/1.1\r\n\r\n',
    ]);
    return Buffer.concat([bytes.subarray(0, at), Buffer.from(inserted), bytes.subarray(at)]);
  },
  (bytes, random) => bytes.subarray(0, 1 + random.integer(bytes.length)),
  (bytes, random) => Buffer.concat([bytes, random.oneIn(2) ? bytes : random.bytes(random.integer(50))]),
];

/** Changes the bytes of one request in three. */
export function mutateBytes(bytes: Buffer, random: Random): Buffer {
  if (!random.oneIn(3) || bytes.length === 0) return bytes;
  return random.pick(BYTE_MUTATIONS)(bytes, random);
}
