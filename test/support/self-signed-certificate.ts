import { generateKeyPair, privateEncrypt, randomBytes } from 'node:crypto';
import { promisify } from 'node:util';

import forge from 'node-forge';

/** An RSA key and a certificate of it by itself, both in PEM. */
export interface SelfSigned {
  readonly key: string;
  readonly cert: string;
}

/** DigestInfo of RFC 8017 9.2, up to the SHA-256 digest. */
const SHA_256_INFO = Buffer.from('3031300d060960864801650304020105000420', 'hex');

/** Signs as forge does, by OpenSSL: forge's own arithmetic takes longer than all the rest here. */
function signerOf(key: string): forge.pki.rsa.PrivateKey {
  const sign = (md: forge.md.MessageDigest): string => {
    const digest = Buffer.from(md.digest().getBytes(), 'latin1');
    return privateEncrypt(key, Buffer.concat([SHA_256_INFO, digest])).toString('latin1');
  };
  return { sign } as forge.pki.rsa.PrivateKey;
}

/**
 * Makes a new 2048-bit key and its certificate, valid for `days` from now.
 *
 * @param commonName also the DNS name for which it stands, beside 127.0.0.1
 */
export async function selfSignedCertificate(commonName: string, days = 1): Promise<SelfSigned> {
  const { publicKey, privateKey: key } = await promisify(generateKeyPair)('rsa', {
    modulusLength: 2048,
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  });
  const certificate = forge.pki.createCertificate();
  certificate.publicKey = forge.pki.publicKeyFromPem(publicKey);
  // The leading digit keeps the number positive.
  certificate.serialNumber = `01${randomBytes(15).toString('hex')}`;
  certificate.validity.notAfter = new Date(certificate.validity.notBefore.getTime() + days * 86_400_000);
  const name = [{ name: 'commonName', value: commonName }];
  certificate.setSubject(name);
  certificate.setIssuer(name);
  // Numbers of RFC 5280 4.2.1.6: a DNS name, an IP address.
  const altNames = [
    { type: 2, value: commonName },
    { type: 7, ip: '127.0.0.1' },
  ];
  certificate.setExtensions([{ name: 'subjectAltName', altNames }]);
  certificate.sign(signerOf(key), forge.md.sha256.create());
  return { key, cert: forge.pki.certificateToPem(certificate) };
}
