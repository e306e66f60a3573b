import type { Target } from '../aws/target.ts';
import type { CredentialsProvider } from '../credentials/provider.ts';

/**
 * Does once, while the host is still starting, what the first call would wait for: Node reads its `fetch` when the
 * library makes the first `Request`, and a signing key is derived when the first request is signed for a region.
 */
export async function warmUp(
  targets: readonly Pick<Target, 'sign'>[],
  credentials: CredentialsProvider,
): Promise<void> {
  const reading = credentials.probe({});
  reading.catch(() => {});
  // When the vault has been asked: loading goes on while it answers.
  await new Promise(setImmediate);
  void [new Request('http://localhost/'), new Response()];
  try {
    const keys = await reading;
    const nothing = { method: 'GET', path: '/', query: '', headers: {}, bodySha256: '' };
    for (const { sign } of targets) await sign(nothing, keys);
  } catch {
    // The first call says what is missing.
  }
}
