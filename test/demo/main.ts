import { randomUUID } from 'node:crypto';

import { buildBundles } from '../../infra/build/build.ts';
import { arn } from './arn.ts';
import { budgets } from './budgets.ts';
import { keyless } from './keyless.ts';
import { createPage } from './page.ts';
import { rotation } from './rotation.ts';
import { signature } from './signature.ts';
import { runSteps, summarize, within } from './steps.ts';
import { streaming } from './streaming.ts';
import { typedErrors } from './typed-errors.ts';
import { usage } from './usage.ts';
import { zeroCode } from './zero-code.ts';
import { startChain } from '../emulators/chain.ts';
import { endWithReader } from '../support/closed-pipe.ts';

/** `npm run demo`: a real AWS SDK through everything there is, on loopback. Exit code 0 only if every check is true. */

/** For the start, for each step and for the end: bounds what hangs, and not what is slow. */
const SECONDS = 120;

// What the shell knows of AWS, such as a bearer token, would change what the SDK sends.
for (const name of Object.keys(process.env)) {
  if (name.startsWith('AWS_')) delete process.env[name];
}

endWithReader(process.stdout);
const start = performance.now();
const page = createPage(process.stdout, process.env);
page.title('Bedrock proxy, end to end on this machine');
page.text(
  'The client is the AWS SDK for JavaScript. Between it and Bedrock stand the gateway with the policy that is ' +
    'deployed, the App Service front end, the Functions host and the built function, which has its AWS keys from Key ' +
    'Vault by managed identity. Servers on 127.0.0.1 stand for Azure and AWS; the one for Bedrock verifies signatures.',
);

await buildBundles();
const subscriptions = ['a', 'b'].map((team) => ({
  id: `team-${team}`,
  name: `Team ${team.toUpperCase()}`,
  key: randomUUID(),
}));
// Bedrock ends no stream before the first piece of the first one has been shown.
const firstPiece = Promise.withResolvers<void>();
const lastEventAfter = () => firstPiece.promise;
const chain = await within(
  SECONDS,
  'the start',
  startChain({ frontEnd: true, eventDelayMs: 150, lastEventAfter, subscriptions }),
);
const report = await runSteps(
  [
    streaming(chain, page, firstPiece.resolve),
    ...[signature, arn, typedErrors, rotation, keyless, budgets, zeroCode, usage].map((step) => step(chain, page)),
  ],
  page,
  SECONDS,
);
await within(SECONDS, 'the end', chain.close());
summarize(report, page, (performance.now() - start) / 1000);

process.exitCode = report.failed === undefined ? 0 : 1;
// A step that was given up may hold something open.
setTimeout(() => process.exit(), 5000).unref();
