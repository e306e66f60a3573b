/** Free, of the group that is always served, and without a model that a subscription may lack. */
const CALL = '/async-invoke?maxResults=1';
const WITHIN_MS = 60_000;

/**
 * What speaks against an endpoint: a call that AWS has to accept, then its `/health`, which alone would be 200 also for
 * keys that AWS refuses, until a call has met the refusal. Undefined when AWS has accepted the signature, be it only to
 * say that IAM does not allow the call.
 */
export async function troubleOf(url: string, key: string): Promise<string | undefined> {
  const call = await ask(url, key, CALL);
  if (call.status !== 200 && !(call.status === 403 && call.text.includes('is not authorized to perform'))) {
    return `GET ${CALL}: ${told(call)}`;
  }
  const health = await ask(url, key, '/health');
  return health.status === 200 ? undefined : `GET /health: ${told(health)}`;
}

interface Answer {
  /** Absent: there was no answer. */
  readonly status?: number;
  readonly text: string;
}

function told({ status, text }: Answer): string {
  return `${status ?? ''} ${text.slice(0, 200)}`.trim();
}

async function ask(url: string, key: string, path: string): Promise<Answer> {
  try {
    const response = await fetch(url.replace(/\/$/, '') + path, {
      headers: { 'api-key': key },
      signal: AbortSignal.timeout(WITHIN_MS),
    });
    return { status: response.status, text: await response.text() };
  } catch (error) {
    return { text: `it cannot be reached (${error instanceof Error ? error.message : ''})` };
  }
}
