import type { Sign } from '../aws/signer.ts';
import type { CredentialsProvider } from '../credentials/provider.ts';

/**
 * Does once, while the host is still starting, what the first call would wait for: Node reads its `fetch` when the
 * library makes the first `Request`, and a signing key is derived when the first request is signed.
 */
export async function warmUp(sign: Sign, credentials: CredentialsProvider): Promise<void> {
  const reading = credentials.probe({});
  void [new Request('http://localhost/'), new Response()];
  try {
    await sign({ method: 'GET', path: '/', query: '', headers: {}, bodySha256: '' }, await reading);
  } catch {
    // The first call says what is missing.
  }
}
