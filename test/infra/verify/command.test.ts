import { execFile } from 'node:child_process';
import { rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import type { Finding } from '../../../infra/verify/finding.ts';
import { type Chain, startChain } from '../../emulators/chain.ts';
import { startTlsFront } from '../../dev/tls-front.ts';
import { listen } from '../../support/listen.ts';
import { root } from '../../support/root.ts';
import { findSecrets } from '../../support/secret-scan.ts';
import { selfSignedCertificate } from '../../support/self-signed-certificate.ts';
import { forwardTo } from './between.ts';
import { startWorld } from './azure-state.ts';
import { makeTools, runOnTerminal, runVerify } from './command-line.ts';
import { expectSaid } from './said.ts';
import { EVENT_DELAY_MS } from './verified.ts';

let chain: Chain;
let url: string;
let key: string;
beforeAll(async () => {
  chain = await startChain({ eventDelayMs: EVENT_DELAY_MS });
  url = chain.gateway.url;
  key = chain.gateway.subscriptionKey;
});
afterAll(() => chain.close());

function expectNoKey(...texts: readonly string[]): void {
  const leaks = findSecrets(
    new Map([['subscription key', key]]),
    texts.map((text, index) => ({ where: `${index}`, text })),
  );
  expect(leaks).toStrictEqual([]);
}

/** What a report in JSON says of each check, by id. */
function findingsIn(report: string): Record<string, Finding> {
  const { checks } = JSON.parse(report) as { checks: (Finding & { id: string; why?: string })[] };
  return Object.fromEntries(
    checks.map(({ id, why, ...told }) => [id, why === undefined ? told : { ...told, evidence: why }]),
  );
}

describe('the command', () => {
  it('ends with 0 and one line after the other, none above 80 columns', async () => {
    const { code, stdout, stderr } = await runVerify([url], { VERIFY_KEY: key });
    expect({ code, stderr }).toStrictEqual({ code: 0, stderr: '' });
    expect(stdout).toMatch(/^Verifying http:\/\/127\.0\.0\.1:\d+\/bedrock\nAsks amazon\.nova-lite-v1:0 for one answer/);
    expect(stdout).toMatch(/^ok {8}11 {2}A call without a key is refused$/m);
    expect(stdout).toMatch(/^skipped {2}19b {2}The same over HTTP\/2\n {14}\(plain http: /m);
    expect(stdout).toMatch(/Nothing that was looked at has failed\.\n$/);
    expect(stdout.split('\n').filter((line) => line.length > 80)).toStrictEqual([]);
    expectNoKey(stdout);
  });

  it('ends with 1 when something has failed, and says with what to begin', async () => {
    const { code, stdout } = await runVerify([url, `${key}x`]);
    expect(code).toBe(1);
    expect(stdout).toMatch(/^failed {4}13 {2}.+\n {14}401 UnauthorizedException of the gateway/m);
    expect(stdout).toMatch(/^ {14}-> Use a key of an active subscription/m);
    expect(stdout).toMatch(/^skipped {3}16 {2}to 20, 6 checks\n {14}\(check 13 failed\)$/m);
    expect(stdout.replaceAll('\n', ' ')).toMatch(/Begin with check 13: /);
    expectNoKey(stdout);
  });

  it('has the same in JSON', async () => {
    const { code, stdout } = await runVerify([url, '--json', '--no-calls', '--model', 'a.model'], { VERIFY_KEY: key });
    const report = JSON.parse(stdout);
    expect({ code, ...report, checks: undefined }).toStrictEqual({
      code: 0,
      url,
      modelId: 'a.model',
      calls: false,
      exitCode: 0,
      checks: undefined,
    });
    const { checks } = report;
    expect(checks).toContainEqual({
      id: '11',
      title: 'A call without a key is refused',
      layer: 'gateway',
      status: 'ok',
      evidence: expect.stringMatching(/^401 UnauthorizedException/),
    });
    expect(checks).toContainEqual(expect.objectContaining({ id: '18', status: 'skipped', why: '--no-calls' }));
    expectNoKey(stdout);
  });

  it('does not show a key that somebody sends back', async () => {
    const parrot = await listen(
      createServer(({ headers }, response) => {
        const sent = headers['api-key'];
        // As the gateway's own, until the key is there.
        const status = sent === undefined || sent === 'not-a-key-of-this-gateway' ? 401 : 500;
        response.writeHead(status, {
          'content-type': 'application/json',
          'x-amzn-errortype': status === 401 ? 'UnauthorizedException' : `Exception-${String(sent)}`,
          'x-amzn-requestid': '1',
          'x-should-retry': 'false',
        });
        const message = `You sent ${String(sent)}.`;
        response.end(JSON.stringify({ message, error: { message } }));
      }),
    );
    const results = await Promise.all([
      runVerify([parrot.url], { VERIFY_KEY: key }),
      runVerify([parrot.url, '--json'], { VERIFY_KEY: key }),
    ]);
    await parrot.close();
    for (const { stdout, stderr } of results) {
      expect(stdout).toContain('You sent (key)');
      expectNoKey(stdout, stderr);
    }
  });

  it.each([
    ['no key', () => [url], /^There is no key: set the variable VERIFY_KEY\. \(Without a terminal/],
    ['key and URL in the wrong order', () => [key, url], /^The first argument must be the URL/],
    ['a key in the URL', () => [`${url}?api-key=${key}`, key], /^The URL must have no query/],
    ['a password in the URL', () => [url.replace('//', `//u:${key}@`), key], /^The URL must have no query/],
    ['a key with a line break', () => [url, `${key}\n`], /^The key is empty, or holds a blank/],
    ['a key that any word may hold', () => [url, 'key'], /^The key has fewer than 8/],
    ['three arguments', () => [url, key, key], /^There are too many arguments/],
    ['another option', () => [url, `--${key}`], /^There is an option that is not known/],
    ['a model without a name', () => [url, key, '--model'], /^There is an option that is not known/],
  ])('ends with 2 and one sentence for %s', async (_, words, sentence) => {
    const { code, stdout, stderr } = await runVerify(words());
    expect({ code, stdout }).toStrictEqual({ code: 2, stdout: '' });
    expect(stderr).toMatch(sentence);
    expect(stderr).not.toMatch(/ at .*\.ts:\d/);
    expectNoKey(stderr);
  });

  it('tells what it takes', async () => {
    const { code, stdout, stderr } = await runVerify(['--help']);
    expect({ code, stderr }).toStrictEqual({ code: 0, stderr: '' });
    expect(stdout).toMatch(/^npm run verify -- <url> \[<key>\]/);
  });

  it('asks on a terminal, which shows nothing of the key', async () => {
    const { code, screen } = await runOnTerminal([url, '--no-calls'], `x\u007f${key}\r`);
    expect(screen).toMatch(/^Subscription key \(not shown\): \r\n/);
    expect(screen).toContain('Nothing that was looked at has failed.');
    expect(code).toBe(0);
    expectNoKey(screen);
  });

  it('ends by Ctrl-C at the question', async () => {
    const { code, screen } = await runOnTerminal([url], `${key.slice(0, 9)}\u0003`);
    expect(code).toBe(130);
    expect(screen).toBe('Subscription key (not shown): \r\n');
  });

  it('says that npm has shown the key', async () => {
    const { stderr } = await runVerify([url, key, '--no-calls'], { npm_lifecycle_event: 'verify' });
    expect(stderr).toMatch(/^npm has printed the key above\./);
    expectNoKey(stderr);
  });

  it('runs as `npm run verify`, with Node of the project', async () => {
    const run = await new Promise<string>((resolve) => {
      const words = ['run', '--silent', 'verify', '--', url, '--no-calls', '--json'];
      execFile('npm', words, { cwd: root, env: { ...process.env, VERIFY_KEY: key } }, (_, stdout) => resolve(stdout));
    });
    expect(JSON.parse(run)).toMatchObject({ exitCode: 0 });
  });
});

describe('with az and azd', () => {
  it('looks at Azure as well', async () => {
    const world = await startWorld(chain);
    const answers = Object.entries(world.tools).map(([line, look]) => [line, 'found' in look ? look.found : null]);
    const { remove, ...tools } = await makeTools(Object.fromEntries(answers));
    // Whether this checkout has made a package depends on what was run before.
    const words = [url, '--package', 'none.zip'];
    const { code, stdout, stderr } = await runVerify(words, { ...tools, VERIFY_KEY: key });
    await world.close();
    await remove();
    expect({ code, stderr }).toStrictEqual({ code: 0, stderr: '' });
    const told = Array.from(
      stdout.matchAll(/^(ok|warning|failed|skipped) +(\w+) /gm),
      ([, status, id]) => `${status} ${id}`,
    );
    expect(told.filter((line) => !line.startsWith('ok '))).toStrictEqual(['skipped 5', 'skipped 8', 'skipped 19b']);
    expect(told).toHaveLength(21);
    expect(stdout).toContain('Asks us.amazon.nova-lite-v1:0 for one answer');
    expect(stdout.split('\n').filter((line) => line.length > 80)).toStrictEqual([]);
    expectNoKey(stdout);
    expect(findSecrets(new Map([['token', world.azure.token]]), [{ where: 'report', text: stdout }])).toStrictEqual([]);
  });

  it('says who is not signed in', async () => {
    const { remove, ...tools } = await makeTools({
      'azd env get-values': { BEDROCK_API_URL: url, AZURE_RESOURCE_GROUP: 'rg' },
    });
    const { code, stdout } = await runVerify([url, '--no-calls'], { ...tools, VERIFY_KEY: key });
    await remove();
    expect(code).toBe(0);
    expect(stdout).toMatch(/^skipped {4}1 {2}to 10, 10 checks\n {14}\(nobody is signed in: az login\)$/m);
  });
});

describe('check 19b', () => {
  it('finds HTTP/2, and a stream by it', async () => {
    const front = await startTlsFront(chain.gateway.port, 0);
    const { code, stdout } = await runVerify([`${front.origin}/bedrock`, '--json'], {
      VERIFY_KEY: key,
      NODE_EXTRA_CA_CERTS: front.certificate,
    });
    await front.close();
    expect(code).toBe(0);
    expectSaid(findingsIn(stdout), '19b', { status: 'ok', evidence: /^h2 agreed; 14 events in \d+ pieces/ });
  });

  it('finds HTTP/2 with --no-calls, too', async () => {
    const front = await startTlsFront(chain.gateway.port, 0);
    const { stdout } = await runVerify([`${front.origin}/bedrock`, '--json', '--no-calls'], {
      VERIFY_KEY: key,
      NODE_EXTRA_CA_CERTS: front.certificate,
    });
    await front.close();
    expectSaid(findingsIn(stdout), '19b', { status: 'ok', evidence: 'h2 agreed, 200 of /health' });
  });

  it('warns when the gateway has HTTP/1.1 only', async () => {
    const { key: privateKey, cert } = await selfSignedCertificate('localhost');
    const certificate = join(tmpdir(), `verify-${process.pid}.pem`);
    await writeFile(certificate, cert);
    const front = await listen(createHttpsServer({ key: privateKey, cert }, forwardTo(chain.gateway.origin)));
    const { code, stdout } = await runVerify([`https://localhost:${front.port}/bedrock`, '--json', '--no-calls'], {
      VERIFY_KEY: key,
      NODE_EXTRA_CA_CERTS: certificate,
    });
    await front.close();
    await rm(certificate);
    expect(code).toBe(0);
    expectSaid(findingsIn(stdout), '19b', {
      status: 'warning',
      evidence: 'the gateway has chosen http/1.1 by ALPN, not h2',
      remedy: /turn client-side HTTP\/2 on \(portal: Protocols \+ ciphers\), or use NodeHttpHandler\.$/,
    });
  });

  it('says that the certificate is not trusted', async () => {
    const front = await startTlsFront(chain.gateway.port, 0);
    const { code, stdout } = await runVerify([`${front.origin}/bedrock`, '--json'], { VERIFY_KEY: key });
    await front.close();
    expect(code).toBe(1);
    expectSaid(findingsIn(stdout), '11', {
      status: 'failed',
      evidence: 'TLS failed (DEPTH_ZERO_SELF_SIGNED_CERT)',
      remedy: /, name its file in NODE_EXTRA_CA_CERTS; else mend the certificate\.$/,
    });
  });
});
