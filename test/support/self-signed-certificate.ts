import { randomBytes, sign } from 'node:crypto';
import type { KeyObject } from 'node:crypto';

// DER encoding (X.690) of the few types that an X.509 version 1 certificate is made of; node:crypto reads certificates
// but does not make them.
const INTEGER = 0x02;
const BIT_STRING = 0x03;
const NULL = 0x05;
const OBJECT_IDENTIFIER = 0x06;
const UTF8_STRING = 0x0c;
const UTC_TIME = 0x17;
const SEQUENCE = 0x30;
const SET = 0x31;

function der(tag: number, ...contents: Uint8Array[]): Buffer {
  const content = Buffer.concat(contents);
  return Buffer.concat([Buffer.from([tag]), derLength(content.length), content]);
}

/** Definite length: one byte up to 127, else the number of length bytes and then these. */
function derLength(length: number): Buffer {
  if (length < 0x80) return Buffer.from([length]);
  const hex = length.toString(16);
  const bytes = Buffer.from(hex.padStart(hex.length + (hex.length % 2), '0'), 'hex');
  return Buffer.concat([Buffer.from([0x80 | bytes.length]), bytes]);
}

/** YYMMDDHHMMSSZ, which RFC 5280 4.1.2.5.1 reads as a year from 1950 to 2049. */
function utcTime(date: Date): Buffer {
  const digits = date.toISOString().replaceAll(/\D/g, '').slice(2, 14);
  return der(UTC_TIME, Buffer.from(`${digits}Z`));
}

/** 1.2.840.113549.1.1.11, sha256WithRSAEncryption, with its NULL parameter (RFC 4055 5). */
const SHA256_WITH_RSA = der(SEQUENCE, der(OBJECT_IDENTIFIER, Buffer.from('2a864886f70d01010b', 'hex')), der(NULL));

/** A name with nothing but a common name (2.5.4.3). */
function commonName(name: string): Buffer {
  const type = der(OBJECT_IDENTIFIER, Buffer.from('550403', 'hex'));
  return der(SEQUENCE, der(SET, der(SEQUENCE, type, der(UTF8_STRING, Buffer.from(name)))));
}

/** A certificate (RFC 5280 4.1) of an RSA key by itself, valid for `days` from now, in DER. */
export function selfSignedCertificate(
  { publicKey, privateKey }: { publicKey: KeyObject; privateKey: KeyObject },
  name: string,
  days: number,
): Buffer {
  const now = Date.now();
  // The leading byte keeps the number positive and in its shortest form.
  const serialNumber = der(INTEGER, Buffer.concat([Buffer.from([0x01]), randomBytes(15)]));
  const validity = der(SEQUENCE, utcTime(new Date(now)), utcTime(new Date(now + days * 86_400_000)));
  const subject = commonName(name);
  const publicKeyInfo = publicKey.export({ type: 'spki', format: 'der' });
  const toBeSigned = der(SEQUENCE, serialNumber, SHA256_WITH_RSA, subject, validity, subject, publicKeyInfo);
  const signature = sign('sha256', toBeSigned, privateKey);
  return der(SEQUENCE, toBeSigned, SHA256_WITH_RSA, der(BIT_STRING, Buffer.from([0]), signature));
}
