import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { type Chain, startChain } from '../emulators/chain.ts';

describe('wrong settings', () => {
  let chain: Chain;
  beforeAll(async () => {
    chain = await startChain({
      settings: { AWS_REGION: '', KEY_VAULT_URI: '', MAX_REQUEST_BYTES: 'secret-in-the-wrong-place' },
    });
  });
  afterAll(() => chain.close());

  it.each(['/health', '/model/a/converse', '/'])(
    '%s is answered with the name of every wrong setting',
    async (path) => {
      const answer = await fetch(
        chain.host.url + path,
        path.startsWith('/model') ? { method: 'POST', body: '{}' } : {},
      );
      expect(answer.status).toBe(503);
      expect(answer.headers.get('x-amzn-errortype')).toBe('ServiceUnavailableException');
      const { message } = JSON.parse(await answer.text());
      for (const name of ['AWS_REGION', 'KEY_VAULT_URI', 'AWS_ACCESS_KEY_ID', 'MAX_REQUEST_BYTES']) {
        expect(message).toContain(name);
      }
      expect(message).not.toContain('secret-in-the-wrong-place');
    },
  );

  it('is logged once, at start', () => {
    const lines = chain.host.logs.filter(({ message }) => message.includes('bedrock.settings'));
    expect(lines).toHaveLength(1);
    expect(lines[0]?.message).toContain('MAX_REQUEST_BYTES');
    expect(lines[0]?.message).not.toContain('secret-in-the-wrong-place');
  });
});
