import { randomUUID } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { type KeyVault, startKeyVault } from '../emulators/azure/key-vault.ts';
import { listen } from '../support/listen.ts';
import { type ManagedIdentity, startManagedIdentity } from '../emulators/azure/managed-identity.ts';
import { selfSignedCertificate } from '../support/self-signed-certificate.ts';
import { SMALL_ANSWER } from './answers.ts';
import { EXAMPLE_KEY } from './contenders/credentials.ts';

/** What a function needs for its first call. */
export interface StartUpServers {
  /** Bedrock over TLS; answers only what is signed or, while no signatures are expected, what is not. */
  readonly upstream: Server;
  readonly upstreamUrl: string;
  /** File with the upstream's certificate, which is its own authority. */
  readonly certificateFile: string;
  readonly vault: KeyVault;
  readonly identity: ManagedIdentity;
  /** Settings that lead to vault and identity. */
  readonly vaultSettings: Readonly<Record<string, string>>;
  expectSignatures(expected: boolean): void;
  close(): Promise<void>;
}

export async function startStartUpServers(): Promise<StartUpServers> {
  const tls = await selfSignedCertificate('localhost');
  const directory = await mkdtemp(join(tmpdir(), 'bench-start-'));
  const certificateFile = join(directory, 'certificate.pem');
  await writeFile(certificateFile, tls.cert);

  let signatures = true;
  const upstream = createServer(tls, (request, response) => {
    request.resume();
    const signed = request.headers.authorization?.startsWith('AWS4-HMAC-SHA256 ') === true;
    response.writeHead(signed === signatures ? 200 : 403, { 'content-type': 'application/json' }).end(SMALL_ANSWER);
  });
  const { port, close } = await listen(upstream);
  const identity = await startManagedIdentity();
  const vault = await startKeyVault({ identity, secrets: { 'aws-credentials': JSON.stringify(EXAMPLE_KEY) } });
  return {
    upstream,
    upstreamUrl: `https://localhost:${port}`,
    certificateFile,
    vault,
    identity,
    vaultSettings: { KEY_VAULT_URI: vault.url, AZURE_CLIENT_ID: randomUUID(), ...identity.environment },
    expectSignatures(expected) {
      signatures = expected;
    },
    async close() {
      await Promise.all([close(), vault.close(), identity.close()]);
      await rm(directory, { recursive: true });
    },
  };
}
