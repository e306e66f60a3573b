import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { createCallLog } from '../../../infra/verify/call-log.ts';
import type { Aws } from '../../../infra/verify/aws/aws.ts';
import type { Azure } from '../../../infra/verify/azure/azure.ts';
import type { Check } from '../../../infra/verify/check.ts';
import { CHECKS } from '../../../infra/verify/checks/all.ts';
import { createEndpoint } from '../../../infra/verify/endpoint.ts';
import { type Result, runChecks } from '../../../infra/verify/run.ts';
import type { Chain } from '../../emulators/chain.ts';
import { type Gateway, type GatewayOptions, startGateway } from '../../emulators/gateway/gateway.ts';
import { root } from '../../support/root.ts';

/** Pause between events of the emulated Bedrock: far above what the network gathers into one piece. */
export const EVENT_DELAY_MS = 60;

/** A machine on which there is neither `az` nor `azd`. */
export const NO_AZURE: Azure = {
  tools: { az: { absent: true }, azd: { absent: true } },
  account: { absent: true },
  deployed: { why: 'azd is not there; --group and --gateway name the deployment' },
  visit: () => Promise.reject(new Error('Nothing to visit.')),
  localPackage: () => Promise.resolve(undefined),
};

export interface VerifyOptions {
  readonly key?: string;
  readonly modelId?: string;
  readonly calls?: boolean;
  readonly timeoutMs?: number;
  readonly azure?: Azure;
  readonly aws?: Aws;
  /** How long the log is waited for; default a second. */
  readonly logMs?: number;
  /** Ids of the checks to run; default those that need no Azure, or all, with `azure`. */
  readonly only?: readonly string[];
}

/** All checks against one gateway, by id. */
export async function verify(
  { url, subscriptionKey }: Pick<Gateway, 'url' | 'subscriptionKey'>,
  options: VerifyOptions = {},
): Promise<Record<string, Omit<Result, 'check'>>> {
  const { key = subscriptionKey, modelId = 'amazon.nova-lite-v1:0', calls = true, timeoutMs = 60_000 } = options;
  const log = createCallLog();
  const endpoint = createEndpoint(new URL(url), { key, timeoutMs, onAnswer: log.answered });
  const isMeant = ({ id, layer, onlyWith }: Check) =>
    options.only?.includes(id) ??
    (onlyWith === undefined && (options.azure !== undefined || (layer !== 'Azure' && !['10', '20'].includes(id))));
  const checks = CHECKS.filter(isMeant);
  const aws = options.aws === undefined ? {} : { aws: options.aws };
  const patience = { logMs: options.logMs ?? 1000, pauseMs: 50 };
  const context = { endpoint, modelId, calls, azure: options.azure ?? NO_AZURE, log, patience, ...aws };
  const results = await runChecks(checks, context);
  return Object.fromEntries(results.map(({ check, ...result }) => [check.id, result]));
}

/** Ids of the checks by how they came out. */
export function statuses(results: Readonly<Record<string, Pick<Result, 'status'>>>): Record<string, string[]> {
  const byStatus = Map.groupBy(Object.entries(results), ([, { status }]) => status);
  return Object.fromEntries(Array.from(byStatus, ([status, all]) => [status, all.map(([id]) => id)]));
}

const POLICY = join(root, 'infra/gateway/policies/bedrock.xml');

/** Another gateway before the same function. */
export async function besides(
  chain: Chain,
  options: Partial<GatewayOptions> & { readonly edit?: (policy: string) => string },
): Promise<Gateway> {
  const { edit = (text) => text, ...rest } = options;
  const folder = await mkdtemp(join(tmpdir(), 'verify-policy-'));
  const policy = join(folder, 'policy.xml');
  await writeFile(policy, edit(await readFile(POLICY, 'utf8')));
  const gateway = await startGateway({
    backendUrl: chain.host.url,
    policy,
    managedIdentityToken: () => chain.entra.issueToken(),
    ...rest,
  });
  await rm(folder, { recursive: true });
  return gateway;
}

/** The policy without a statement, which must have been there. */
export function without(statement: string | RegExp): (policy: string) => string {
  return instead(statement, '');
}

/** The policy with something else in the place of a text, which must have been there. */
export function instead(text: string | RegExp, other: string): (policy: string) => string {
  return (policy) => {
    const edited = policy.replace(text, other);
    if (edited === policy) throw new Error(`The policy does not hold ${String(text)}.`);
    return edited;
  };
}
