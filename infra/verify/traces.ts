import { list, number, same, text } from './azure/json.ts';
import { present } from './azure/look.ts';
import { type Deployed, VERSIONS } from './azure/deployed.ts';
import type { LoggedCall } from './call-log.ts';
import { type Finding, ok, warning } from './finding.ts';

/** A span of the function in Application Insights. */
export interface Traced {
  /** Id of the invocation. */
  readonly id: string;
  /** Rows of the gateway in the same trace: its calls of the app. */
  readonly gatewayRows: number;
}

/** Why fewer calls than all have a trace, or why that is not known; undefined where each must have one. */
export async function whyNotAllTraced({ settings, api, resourceManager }: Deployed): Promise<string | undefined> {
  const values = await settings();
  if (!('found' in values)) return 'the settings of the app cannot be looked at';
  const { APPLICATIONINSIGHTS_CONNECTION_STRING: sent, OTEL_TRACES_SAMPLER_ARG: share = '1' } = values.found;
  if (sent === undefined) return 'the app sends none to Application Insights';
  if (Number(share) < 1) return `the app sends ${Number(share) * 100} % of them`;
  const its = await api();
  if (!('found' in its)) return 'the API cannot be looked at';
  const diagnostics = await resourceManager.list(
    `${text(its.found, 'id')}/diagnostics?api-version=${VERSIONS.gateway}`,
  );
  if (!('found' in diagnostics)) return 'the diagnostics of the API cannot be looked at';
  const own = diagnostics.found.find((each) => same(text(each, 'name'), 'applicationinsights'));
  const percent = number(own, 'properties', 'sampling', 'percentage') ?? 100;
  return percent < 100 ? `the gateway sends ${percent} % of them` : undefined;
}

/** The spans of these calls, with the gateway's rows beside them. */
export async function readTraces(
  { logAnalytics, site }: Deployed,
  customerId: string,
  calls: readonly LoggedCall[],
): Promise<Traced[]> {
  const app = present(await site(), 'the function app', 'azd up');
  const answer = await logAnalytics.post(`/v1/workspaces/${customerId}/query`, {
    query: tracesQuery(calls, text(app, 'properties', 'defaultHostName')),
    timespan: 'PT1H',
  });
  return list(present(answer, 'the workspace', 'azd provision'), 'tables', '0', 'rows').map((row) => {
    const [id, gatewayRows] = Array.isArray(row) ? (row as unknown[]) : [];
    return { id: String(id), gatewayRows: Number(gatewayRows ?? 0) };
  });
}

/** @param host name of the app, which the gateway's rows have as their target */
export function tracesQuery(calls: readonly LoggedCall[], host: string): string {
  return [
    'let Gateway = AppDependencies',
    `| where TimeGenerated > ago(1h) and Target startswith '${host}'`,
    '| summarize GatewayRows = count() by OperationId;',
    'AppDependencies',
    "| where TimeGenerated > ago(1h) and Name startswith 'bedrock-proxy'",
    "| extend Invocation = tostring(Properties['faas.invocation_id'])",
    `| where Invocation in (${calls.map(({ id }) => `'${id}'`).join(', ')})`,
    '| project OperationId, Invocation',
    '| join kind=leftouter Gateway on OperationId',
    '| project Invocation, GatewayRows = coalesce(GatewayRows, 0)',
  ].join('\n');
}

/** @param measured what is known of the records of these calls */
export function judgeTraces(calls: readonly LoggedCall[], found: readonly Traced[], measured: string): Finding {
  const byCall = Map.groupBy(found, ({ id }) => id);
  const told = `${measured}; ${byCall.size} traces`;
  if (byCall.size < calls.length) {
    return warning(
      told,
      'The records are whole, traces are lost: OTEL_TRACES_SAMPLER of the app (fixed_percentage, 1), or exports that ' +
        'fail, which lines bedrock.telemetry tell (query 1 of infra/TROUBLE.md)',
    );
  }
  if (found.length > byCall.size) {
    return warning(
      `${told}, ${found.length} spans`,
      'Traces arrive twice: an OTLP receiver, or a copied diagnostic setting, sends them on to the same component',
    );
  }
  const seen = found.filter(({ gatewayRows }) => gatewayRows > 0).length;
  if (seen < calls.length) {
    return warning(
      `${told}, ${seen} of them with the gateway`,
      'The gateway does not tell Application Insights of its calls, which the alert "records missing" compares with: its role ' +
        'Monitoring Metrics Publisher (check 6), and the diagnostic applicationinsights of the API; azd provision',
    );
  }
  return ok(`${told}, with the gateway`);
}
