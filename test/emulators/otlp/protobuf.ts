/** A message of the schema: its fields by their numbers. */
export type MessageType = Readonly<Record<number, Field>>;

export interface Field {
  readonly name: string;
  readonly type: 'string' | 'hex' | 'bool' | 'enum' | 'int64' | 'double' | 'fixed32' | 'fixed64' | MessageType;
  readonly repeated?: true;
}

const VARINT = 0;
const FIXED64 = 1;
const LENGTH = 2;
const FIXED32 = 5;

/**
 * Reads a message in the wire format of Protocol Buffers ("Encoding" in their documentation): members as the JSON mapping
 * has them, 64-bit integers as text, bytes in hexadecimal, absent fields absent.
 *
 * @throws Error for bytes that are no such message, and for a field that the schema does not have
 */
export function decodeMessage(bytes: Buffer, type: MessageType): Record<string, unknown> {
  const message: Record<string, unknown> = {};
  let at = 0;

  const varint = (): bigint => {
    const [first = 0x80] = bytes.subarray(at, at + 1);
    if (first < 0x80) {
      at += 1;
      return BigInt(first);
    }
    let value = 0n;
    for (let shift = 0n; shift < 70n; shift += 7n) {
      const byte = bytes[at];
      if (byte === undefined) throw new Error('A number ends too early.');
      at += 1;
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return BigInt.asUintN(64, value);
    }
    throw new Error('A number is too long.');
  };
  const take = (length: number): Buffer => {
    if (at + length > bytes.length) throw new Error('A field ends too early.');
    at += length;
    return bytes.subarray(at - length, at);
  };

  while (at < bytes.length) {
    const tag = Number(varint());
    const [number, wire] = [tag >>> 3, tag & 7];
    const field = type[number];
    if (field === undefined) throw new Error(`The schema has no field ${number}.`);
    const values =
      wire === VARINT
        ? [ofVarint(varint(), field)]
        : wire === FIXED64
          ? [ofFixed64(take(8), field)]
          : wire === FIXED32
            ? [take(4).readUInt32LE()]
            : wire === LENGTH
              ? ofBytes(take(Number(varint())), field)
              : fail(`Field ${field.name} has the unknown wire type ${wire}.`);
    const before = message[field.name];
    if (field.repeated !== true) message[field.name] = values.at(-1);
    else if (Array.isArray(before)) before.push(...values);
    else message[field.name] = values;
  }
  return message;
}

function ofVarint(value: bigint, { name, type }: Field): unknown {
  if (type === 'bool') return value !== 0n;
  if (type === 'enum') return Number(value);
  if (type === 'int64') return String(BigInt.asIntN(64, value));
  return fail(`Field ${name} is no varint.`);
}

function ofFixed64(bytes: Buffer, { name, type }: Field): unknown {
  if (type === 'double') return bytes.readDoubleLE();
  if (type === 'fixed64') return String(bytes.readBigInt64LE());
  return fail(`Field ${name} has not 64 bits.`);
}

/** A text, a message, or a list of numbers packed into one. */
function ofBytes(bytes: Buffer, field: Field): unknown[] {
  const { name, type } = field;
  if (typeof type === 'object') return [decodeMessage(bytes, type)];
  if (type === 'string') return [new TextDecoder('utf-8', { fatal: true }).decode(bytes)];
  if (type === 'hex') return [bytes.toString('hex')];
  if (field.repeated !== true || bytes.length % 8 !== 0) fail(`Field ${name} is no list of 64-bit numbers.`);
  return Array.from({ length: bytes.length / 8 }, (_, index) =>
    ofFixed64(bytes.subarray(8 * index, 8 * index + 8), field),
  );
}

function fail(message: string): never {
  throw new Error(message);
}
