import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';

import { describe, expect, test } from 'vitest';

import { TEXT_PIECES } from '../emulators/bedrock/tokens.ts';
import { fit, mask, wrap } from './columns.ts';
import { createPage } from './page.ts';
import { USAGE_COLUMNS, usageRows } from './usage-table.ts';
import { runSteps, type Step, summarize, within } from './steps.ts';
import { root } from '../support/root.ts';

interface Ended {
  readonly code: unknown;
  readonly stdout: string;
}

/** `node test/demo/main.ts` with nothing in its environment but these variables. */
function runDemo(environment: Readonly<Record<string, string>> = {}): Promise<Ended> {
  return new Promise((resolve) => {
    execFile(process.execPath, ['test/demo/main.ts'], { cwd: root, env: environment }, (error, stdout) =>
      resolve({ code: error === null ? 0 : error.code, stdout }),
    );
  });
}

/** A page that keeps what is written. */
function recordedPage(columns?: number) {
  let written = '';
  const page = createPage({ write: (more) => (written += more), ...(columns === undefined ? {} : { columns }) }, {});
  return { page, written: () => written };
}

describe('npm run demo', () => {
  test('ends with 0 and lists what it has checked', async () => {
    // Settings of the shell must not change what the SDK does.
    const { code, stdout } = await runDemo({ AWS_BEARER_TOKEN_BEDROCK: 'of-the-shell', AWS_REGION: 'eu-west-3' });
    // Of a check that takes two lines, the second stands below the first.
    const [page = '', summary = ''] = stdout
      .replaceAll(/(?<=^ {3}ok {6}.*)\n {11}(?=\S)/gm, ' ')
      .split('What was checked\n');
    const checked = Array.from(summary.matchAll(/^ {3}ok {6}(.+)$/gm), ([, name = '']) => name);

    expect(code, stdout).toBe(0);
    for (const part of [
      'in the ten pieces that Bedrock wrote',
      'verified the signature, made with the key of the vault',
      'No api-key, token or header of gateway or platform',
      'as one encoded segment',
      "SDK's own class ThrottlingException",
      'UnauthorizedException',
      'Not one of 240 calls failed',
      'AWS names the team of each call',
      'Both workers tell what AWS would bill',
      'The next call of the team is refused on both',
      'Team B, with a budget of its own, goes on',
      'A program with nothing but two variables',
      'as many of each kind as Bedrock counted for it',
      'For each model too, the records and Bedrock agree',
    ]) {
      expect(checked).toContainEqual(expect.stringContaining(part));
    }
    for (const name of checked) expect(page).toContain(`   ok      ${name}\n`);
    expect(page.match(/^ {3}ok {6}/gm)).toHaveLength(checked.length);
    expect(summary).toContain(`All ${checked.length} checks are true.`);

    const pieces = Array.from(page.matchAll(/^ {3} {2,4}\d+\.\d{3} {2}(.+)$/gm), ([, piece]) => piece);
    expect(pieces).toEqual(TEXT_PIECES.map((piece) => piece.trimEnd()));
    // Two teams, more models than one each; the last row is the sum of those before it.
    const rows = Array.from(page.matchAll(/^ {3}(Team [AB]| {6}) {3}\S.*\n((?: +[\d,]+){6}) +(?:-|\d+ ms)$/gm));
    const numbers = rows.map(([, , cells = '']) => cells.replaceAll(',', '').trim().split(/ +/).map(Number));
    expect(rows.map(([, team = '']) => team.trim())).toEqual([
      'Team A',
      'Team A',
      'Team A',
      'Team A',
      'Team B',
      'Team B',
      '',
    ]);
    const sums = numbers
      .slice(0, -1)
      .reduce((before, row) => row.map((value, index) => value + (before[index] ?? 0)), []);
    expect(numbers.at(-1)).toEqual(sums);
    // 40 characters of base64 are a secret access key, a GUID is a subscription key.
    expect(stdout).not.toMatch(/[A-Za-z0-9+/]{40}/);
    expect(stdout).not.toMatch(/[0-9a-f]{8}-[0-9a-f]{4}-/);
    expect(stdout).not.toContain('\u001B');
    expect(stdout.split('\n').filter((line) => line.length > 80)).toEqual([]);
    expect(stdout).toMatch(/What next: `npm run dev` [\s\S]+\.\n$/);
  });

  test('ends with 1 and names the step when calls do not get through', async () => {
    // No server of the demonstration takes headers as long as the SDK's.
    const { code, stdout } = await runDemo({ NODE_OPTIONS: '--max-http-header-size=200' });

    expect({ code, stdout }).toMatchObject({ code: 1 });
    expect(stdout).toContain('   FAILED  A streamed answer, piece by piece\n');
    expect(stdout).toMatch(/^The demonstration failed after 0 true checks: A streamed answer, piece by piece$/m);
  });
});

describe('a reader that has seen enough', () => {
  test('ends it without a word', async () => {
    const demo = spawn(process.execPath, ['test/demo/main.ts'], { cwd: root, env: {} });
    const complaints = text(demo.stderr);
    demo.stdout.once('data', () => demo.stdout.destroy());
    // 128 and the number of SIGPIPE, as of any other program.
    expect(await once(demo, 'exit')).toEqual([141, null]);
    expect(await complaints).toBe('');
  });
});

describe('steps', () => {
  const good: Step = { title: 'Good', run: async (check) => check('one and one are two', () => {}) };
  const never: Step = { title: 'Never', run: () => new Promise(() => {}) };
  const bad: Step = {
    title: 'Bad',
    async run(check) {
      check('this much is true', () => {});
      check('the moon is a cheese', () => expect(1).toBe(2));
      check('not reached', () => {});
    },
  };
  const broken: Step = {
    title: 'Broken',
    async run(check) {
      check('before', () => {});
      throw new Error('connection refused');
    },
  };

  test('all true', async () => {
    const { page, written } = recordedPage();
    const report = await runSteps([good, good], page, 30);
    summarize(report, page, 1.25);

    expect(report).toEqual({ passed: ['one and one are two', 'one and one are two'] });
    expect(written()).toMatch(/\n1 {2}Good\n {3}ok {6}one and one are two\n\n2 {2}Good\n/);
    expect(written()).toMatch(/All 2 checks are true\. 1\.3 seconds\.\n\n {3}What next: /);
  });

  test('a false check is named, and ends the run', async () => {
    const { page, written } = recordedPage();
    const report = await runSteps([good, bad, good], page, 30);
    summarize(report, page, 1);

    expect(report.passed).toEqual(['one and one are two', 'this much is true']);
    expect(report.failed?.name).toBe('the moon is a cheese');
    expect(written()).toContain('   FAILED  the moon is a cheese\n');
    expect(written()).not.toContain('checks are true');
    expect(written()).not.toContain('not reached');
  });

  test('an error outside of a check names the step', async () => {
    const { page, written } = recordedPage();
    const { failed } = await runSteps([broken], page, 30);

    expect(failed).toMatchObject({ name: 'Broken', error: { message: 'connection refused' } });
    expect(written()).toContain('   connection refused\n');
  });

  test('a step without end is given up', async () => {
    const { failed } = await runSteps([never], recordedPage().page, 0.01);

    expect(failed).toMatchObject({ name: 'Never', error: { message: 'No end after 0.01 seconds: Never' } });
  });

  test('within passes on what comes in time', async () => {
    await expect(within(30, 'x', Promise.resolve(7))).resolves.toBe(7);
    await expect(within(30, 'x', Promise.reject(new Error('no')))).rejects.toThrow('no');
  });
});

describe('page', () => {
  test.each([
    { isTTY: true, environment: {}, coloured: true },
    { isTTY: true, environment: { NO_COLOR: '' }, coloured: true },
    { isTTY: true, environment: { NO_COLOR: '1' }, coloured: false },
    { isTTY: false, environment: {}, coloured: false },
  ])('colour: $coloured on a terminal $isTTY with $environment', ({ isTTY, environment, coloured }) => {
    let written = '';
    const output = { isTTY, write: (more: string) => (written += more) };
    createPage(output, environment).passed('true');

    expect(written.includes('\u001B[')).toBe(coloured);
  });

  test('a table', () => {
    const { page, written } = recordedPage();
    const columns = [
      { head: 'model', width: 8 },
      { head: 'calls', width: 5, right: true },
    ] as const;
    page.table(columns, [
      ['amazon.nova', '7'],
      ['x', '1234567'],
    ]);
    expect(written()).toBe('   model     calls\n   amaz…ova      7\n   x         12…67\n');
  });

  test('usage by team and model', () => {
    const a = { subscriptionId: 'a', subscriptionName: 'Team A' };
    const rows = usageRows([
      { ...a, modelId: 'm', inputTokens: 1000, outputTokens: 5, totalTokens: 1005, firstTokenMs: 10.4 },
      {
        ...a,
        modelId: 'm',
        inputTokens: 1,
        outputTokens: 1,
        cacheReadInputTokens: 2,
        cacheWriteInputTokens: 3,
        totalTokens: 7,
      },
      { ...a, modelId: 'm', errorType: 'ThrottlingException' },
      { subscriptionId: 'b', modelId: 'm', inputTokens: 1, totalTokens: 1, firstTokenMs: 30 },
      { subscriptionId: 'b', errorType: 'ValidationException' },
    ]);
    expect(rows).toEqual([
      ['Team A', 'm', '3', '1', '1,001', '6', '5', '1,012', '10 ms'],
      ['b', '(no valid model)', '1', '1', '0', '0', '0', '0', '-'],
      ['b', 'm', '1', '0', '1', '0', '0', '1', '30 ms'],
      ['', 'all', '5', '2', '1,002', '6', '5', '1,013', '30 ms'],
    ]);
    for (const row of rows) expect(row).toHaveLength(USAGE_COLUMNS.length);
  });

  test.each([
    [100, /^ {3}team +model +calls .+ 1st token\n {3}Team A {3}us\.anthropic\.\S+ {6}1 .* 7\n$/],
    [80, /^ {3}team {5}model\n {3}calls .+ 1st token\n {3}Team A {3}us\.\S{40}\n {7}1 .* 7\n$/],
    [60, /^ {3}team {5}model\n {3}calls .+ 1st token\n {3}Team A {3}us\.\S{40}\n {7}1 .* 7\n$/],
  ])('a table at %i columns', (columns, expected) => {
    const { page, written } = recordedPage(columns);
    page.table(USAGE_COLUMNS, [['Team A', 'us.anthropic.claude-3-5-haiku-20241022-v1:0', ...'1234567']]);
    expect(written()).toMatch(expected);
  });

  test.each([
    [undefined, 80],
    [80, 80],
    [72, 72],
    [60, 60],
    [20, 60],
    [250, 100],
  ])('a terminal of %j columns gets lines of at most %i', (columns, most) => {
    const { page, written } = recordedPage(columns);
    const words = 'as many words as there have to be for more than one line of any width '.repeat(4).trim();
    page.title(words);
    page.text(words);
    page.passed(words);
    page.failed(words, words);
    page.stage('path', `/model/${'0'.repeat(300)}`);
    page.compare(['left', words], [[words.slice(0, 18), words, '0'.repeat(300)]]);
    page.table(USAGE_COLUMNS, [['Team A', '0'.repeat(300), ...'1234567']]);
    const lengths = written()
      .split('\n')
      .map((line) => line.length);
    expect(Math.max(...lengths)).toBe(most);
    // Each word of the prose is still whole.
    const known = new Set(words.split(' '));
    const prose = written().match(/\b[a-z]{2,}\b/g) ?? [];
    expect([...new Set(prose.filter((word) => !known.has(word)))].join(' ')).toBe(
      'ok path model left team calls failed input output cache total token',
    );
  });

  test('two things side by side', () => {
    const { page, written } = recordedPage(80);
    page.compare(
      ['in code', 'in the environment'],
      [
        ['endpoint', 'endpoint in the configuration', 'AWS_ENDPOINT_URL_BEDROCK_RUNTIME'],
        ['request', 'x'.repeat(90), 'POST /model'],
      ],
    );
    expect(written()).toBe(
      [
        '                         in code                     in the environment',
        '   endpoint              endpoint in the             AWS_ENDPOINT_…DROCK_RUNTIME',
        '                         configuration',
        `   request               ${'x'.repeat(13)}…${'x'.repeat(12)}  POST /model`,
        '',
      ].join('\n'),
    );
    const narrow = recordedPage(80);
    narrow.page.compare(['', ''], [['', 'endpoint in the configuration', 'AWS_ENDPOINT_URL_BEDROCK_RUNTIME']]);
    expect(narrow.written()).toMatch(/^ {25}endpoint in the {8}AWS_ENDPOINT_URL_BEDROCK_RUNTIME\n {25}configuration$/m);
  });

  test('columns', () => {
    const { page, written } = recordedPage(100);
    page.compare(['left', 'right'], [['label', 'x'.repeat(80), 'y'.repeat(80)]]);
    const [, row = ''] = written().split('\n');

    expect(row).toMatch(/^ {3}label {17}x+…x+ {2}y+…y+$/);
    expect(row).toHaveLength(100);
    expect(fit('abcdefghij', 5)).toBe('ab…ij');
    expect(fit('abc', 5)).toBe('abc  ');
    expect(wrap('one two three', 7)).toEqual(['one two', 'three']);
    expect(wrap('one\n  two three four', 11)).toEqual(['one', '  two three', 'four']);
    expect(mask('0123456789')).toBe('0123… (10 characters)');
  });
});
