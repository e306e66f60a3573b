import { setTimeout as sleep } from 'node:timers/promises';

import type { Deployed } from '../azure/deployed.ts';
import { list, text } from '../azure/json.ts';
import { present } from '../azure/look.ts';
import { deployedIn } from '../azure/require.ts';
import type { LoggedCall } from '../call-log.ts';
import type { Check } from '../check.ts';
import { judgeTraces, readTraces, type Traced, whyNotAllTraced } from '../traces.ts';
import { failed, type Finding, ok, skipped, warning } from '../finding.ts';

/** A record in the log, as far as it is looked at. */
interface Logged {
  readonly id: string;
  readonly modelId: string;
  readonly inputTokens: number;
}

export const records: Check = {
  id: '20',
  title: 'Every call is in the log once, with its tokens',
  layer: 'log',
  needs: ['1', '13'],
  async run({ azure, log, patience }) {
    const deployed = deployedIn(azure);
    if (patience.logMs === 0) return skipped('--no-log');
    const workspace = present(await deployed.workspace(), 'the workspace', 'azd provision');
    const customerId = text(workspace, 'properties', 'customerId');
    const untraced = await whyNotAllTraced(deployed);
    const end = performance.now() + patience.logMs;
    let found: Logged[] = [];
    let traced: Traced[] = [];
    // The last look begins after the time has passed, however long one takes.
    for (let isLast = false; !isLast;) {
      isLast = performance.now() >= end;
      found = await query(deployed, customerId, log.calls);
      if (distinct(found) >= log.calls.length) {
        if (untraced !== undefined) break;
        traced = await readTraces(deployed, customerId, log.calls);
        if (judgeTraces(log.calls, traced, '').status === 'ok') break;
      }
      if (!isLast) await sleep(patience.pauseMs);
    }
    const finding = judge(log.calls, found, Math.round(patience.logMs / 60_000));
    if (finding.status !== 'ok') return finding;
    const whole =
      untraced === undefined
        ? judgeTraces(log.calls, traced, finding.evidence)
        : ok(`${finding.evidence}; traces not counted: ${untraced}`);
    return whole.status === 'ok' ? watched(deployed, whole) : whole;
  },
};

async function query({ logAnalytics }: Deployed, customerId: string, calls: readonly LoggedCall[]): Promise<Logged[]> {
  const answer = await logAnalytics.post(`/v1/workspaces/${customerId}/query`, {
    query: recordsQuery(calls),
    timespan: 'PT1H',
  });
  // Without the right to read the log, or before its table is there.
  const table = present(answer, 'the workspace', 'azd provision');
  return list(table, 'tables', '0', 'rows').map((row) => {
    const [id, modelId, inputTokens] = Array.isArray(row) ? (row as unknown[]) : [];
    return { id: String(id), modelId: String(modelId ?? ''), inputTokens: Number(inputTokens ?? 0) };
  });
}

/** The query for the records of these calls. */
export function recordsQuery(calls: readonly LoggedCall[]): string {
  return [
    'AppTraces',
    '| where TimeGenerated > ago(1h)',
    `| where Message startswith '{"event":"bedrock.request"'`,
    '| extend r = parse_json(Message)',
    `| where tostring(r.requestId) in (${calls.map(({ id }) => `'${id}'`).join(', ')})`,
    '| project requestId = tostring(r.requestId), modelId = tostring(r.modelId), inputTokens = tolong(r.inputTokens)',
  ].join('\n');
}

function judge(calls: readonly LoggedCall[], found: readonly Logged[], minutes: number): Finding {
  const told = distinct(found);
  const measured = `${calls.length} calls, ${told} records`;
  if (told === 0) {
    return failed(
      `${measured} within ${minutes} minutes`,
      'Nothing is logged: the identity lacks Monitoring Metrics Publisher on the component (check 6), a daily cap is reached, or ' +
        'host.json lets Host.Function.Console no longer through',
    );
  }
  if (told < calls.length) {
    return failed(
      `${measured} within ${minutes} minutes`,
      'Records are lost, and with them what is billed by them: sampling (OTEL_TRACES_SAMPLER, of the host too) or a full export queue',
    );
  }
  if (found.length > told) {
    return failed(
      `${measured}, ${found.length} lines`,
      'Calls are logged twice: two exporters or a copied diagnostic setting send the same log',
    );
  }
  const wrong = calls.find(
    ({ id, modelId }) => modelId !== undefined && found.find((each) => each.id === id)?.modelId !== modelId,
  );
  if (wrong !== undefined) {
    const other = found.find(({ id }) => id === wrong.id)?.modelId || 'none';
    return failed(
      `the model ${wrong.modelId} is ${other} in its record`,
      'Something between cuts or decodes model ids (check 17): look at rewrite-uri in the policies, and at proxies',
    );
  }
  const empty = calls.find(({ id, hasTokens }) => hasTokens && found.find((each) => each.id === id)?.inputTokens === 0);
  if (empty !== undefined) {
    return failed(
      `${measured}; that of ${empty.id} has no tokens`,
      'Query 2 of infra/TROUBLE.md shows it: usageUnknown says why',
    );
  }
  return ok(`${measured}, with their models and tokens`);
}

function distinct(found: readonly Logged[]): number {
  return new Set(found.map(({ id }) => id)).size;
}

/** Whether somebody is told when it goes wrong. */
async function watched({ alertRules }: Deployed, finding: Finding): Promise<Finding> {
  const rules = await alertRules();
  if (!('found' in rules)) return finding;
  const told = rules.found.filter((rule) => list(rule, 'properties', 'actions', 'actionGroups').length > 0);
  if (told.length > 0) return ok(`${finding.evidence}; ${told.length} alert rules tell somebody`);
  return warning(`${finding.evidence}; no alert tells anybody`, 'azd env set ALERT_EMAIL, then azd provision');
}
