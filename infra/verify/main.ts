import { type Arguments, checkKey, readArguments, USAGE } from './arguments.ts';
import type { Aws } from './aws/aws.ts';
import { lookAtAzure } from './azure/look-at-azure.ts';
import { runTool } from './azure/tools.ts';
import { createCallLog } from './call-log.ts';
import type { Context } from './check.ts';
import { CHECKS } from './checks/all.ts';
import { createEndpoint } from './endpoint.ts';
import { defaultModel } from './model.ts';
import { Problem } from './problem.ts';
import { askSecret } from './prompt.ts';
import { createRedact, type Redact } from './redact.ts';
import { asJson, createPrinter, type Head, summary, wrap } from './report.ts';
import { exitCode, runChecks } from './run.ts';

/** `npm run verify -- <url> <key>`: whether a deployed endpoint works, and if not, why. */

/** For one answer: a cold start of the app and a slow model are within it. */
const TIMEOUT_MS = 60_000;

/** Log Analytics says that a line is there within five minutes, as a rule. */
const LOG_MS = 300_000;
const PAUSE_MS = 15_000;

/** What a shell says of a program that Ctrl-C has ended. */
const SIGINT = 130;

async function verify(given: Arguments, key: string, redact: Redact): Promise<number> {
  const { json, calls } = given;
  const print = (text: string) => console.log(redact(text));
  const tell = json ? () => {} : print;
  const log = createCallLog();
  const endpoint = createEndpoint(given.url, { key, timeoutMs: TIMEOUT_MS, onAnswer: log.answered });
  const azure = await lookAtAzure(endpoint, given, runTool);
  const modelId = given.modelId ?? defaultModel(azure.environment?.['BEDROCK_REGION']);
  const head = { url: endpoint.url, modelId, calls };
  tell(beforehand(head, given.log && 'found' in azure.deployed));
  const patience = { logMs: given.log ? LOG_MS : 0, pauseMs: PAUSE_MS };
  const region = azure.environment?.['BEDROCK_REGION'] ?? process.env['AWS_REGION'] ?? 'us-east-1';
  const aws = given.aws === undefined ? {} : { aws: await awsAccount(given.aws, region) };
  const context: Context = { endpoint, modelId, calls, azure, log, patience, ...aws };
  const printer = createPrinter(tell);
  const asked = { '--notify': given.notify, '--aws': given.aws !== undefined };
  const checks = CHECKS.filter(({ onlyWith }) => onlyWith === undefined || asked[onlyWith]);
  const results = await runChecks(checks, context, printer.add);
  printer.end();
  if (json) print(asJson(head, results));
  else print(`\n${wrap(summary(results), 80).join('\n')}`);
  return exitCode(results);
}

/** Loaded where it is asked for: the SDKs take longer than all the rest. */
async function awsAccount(name: string, region: string): Promise<Aws> {
  const { createAws } = await import('./aws/create-aws.ts');
  return createAws(name, region);
}

/** What it is about to do, and to cost. */
function beforehand({ url, modelId, calls }: Head, log: boolean): string {
  const cost = calls
    ? `Asks ${modelId} for one answer of 1 token and at most two streams of 60: less than 0.001 USD with a small model. ` +
      'Nothing with --no-calls.'
    : 'Asks Bedrock for no answer (--no-calls): nothing is paid.';
  const wait = log ? ' Then looks for its records in the log, for up to five minutes (--no-log).' : '';
  return [`Verifying ${url}`, ...wrap(cost + wait, 80), ''].join('\n');
}

async function keyOf({ key }: Arguments): Promise<string | undefined> {
  if (key !== undefined) return key;
  if (!process.stdin.isTTY || !process.stderr.isTTY) {
    throw new Problem('There is no key: set the variable VERIFY_KEY. (Without a terminal nothing is asked for.)');
  }
  const typed = await askSecret('Subscription key (not shown)', process.stdin, process.stderr);
  if (typed !== undefined) checkKey(typed.trim());
  return typed?.trim();
}

async function main(): Promise<number> {
  let redact = createRedact('');
  if (process.argv.includes('--help')) {
    console.log(USAGE);
    return 0;
  }
  try {
    const given = readArguments(process.argv.slice(2), process.env);
    const key = await keyOf(given);
    if (key === undefined) return SIGINT;
    redact = createRedact(key);
    if (given.keyIsArgument && process.env['npm_lifecycle_event'] === 'verify') {
      console.error('npm has printed the key above. Next time: VERIFY_KEY, or no key, which is then asked for.\n');
    }
    return await verify(given, key, redact);
  } catch (error) {
    const text = error instanceof Problem ? error.message : `This failed itself: ${String(error)}`;
    console.error(redact(text));
    return 2;
  }
}

// Whoever reads the report may stop in the middle, as `head` does.
process.stdout.on('error', () => process.exit(1));
process.exitCode = await main();
