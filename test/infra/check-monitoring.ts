import { describe, expect, it } from 'vitest';

import { alertsOf, criterionOf } from './monitoring/deployed.ts';
import { at, type Expansion, type Expansions, ofType } from './expand.ts';

/** What is there to look at, and who is told. What the queries find stands in the suites of the workbook. */
export function checkMonitoring(read: () => Expansions): void {
  describe('monitoring', () => {
    it('has a workbook in every deployment, with a name that stays that of its environment', () => {
      const names = Object.values(read()).map((expansion) =>
        ofType(expansion, 'Microsoft.Insights/workbooks').map(({ name }) => name),
      );
      expect(new Set(names.flat()).size).toBe(names.length);
      expect(names.every((list) => list.length === 1)).toBe(true);
    });

    it('watches from outside what the log cannot see, and tells the same', () => {
      const { existing, created, pool } = read();
      for (const type of ['Microsoft.Insights/metricAlerts', 'Microsoft.Insights/webtests']) {
        expect(ofType(existing, type)).toStrictEqual([]);
      }
      const [mail] = ofType(created, 'Microsoft.Insights/actionGroups');
      const rules = ofType(created, 'Microsoft.Insights/metricAlerts');
      expect(rules.map(({ name }) => name.split('-').slice(1, -1).join('-'))).toStrictEqual([
        'gateway-failures',
        'gateway-refused',
        'gateway-capacity',
        'health',
      ]);
      for (const rule of rules) {
        expect(at(rule, 'properties', 'actions'), rule.name).toStrictEqual([{ actionGroupId: mail?.id }]);
        expect(rule, rule.name).toMatchObject({ properties: { enabled: true, autoMitigate: true } });
      }
      const countsOf = (expansion: Expansion, index: number) =>
        at(ofType(expansion, 'Microsoft.Insights/metricAlerts')[index], 'properties', 'criteria', 'allOf', 0);
      const include = (name: string, ...values: string[]) => ({ name, operator: 'Include', values });
      expect(countsOf(created, 0)).toMatchObject({
        metricName: 'Requests',
        timeAggregation: 'Total',
        threshold: 20,
        dimensions: [include('ApiId', 'bedrock'), include('GatewayResponseCodeCategory', '5xx')],
      });
      expect(countsOf(pool, 1)).toMatchObject({
        dimensions: [include('ApiId', 'claims-bedrock'), include('BackendResponseCode', '401')],
      });
      // A new instance is of a v2 tier; which one an existing one is of, only Azure knows.
      expect(at(countsOf(created, 2), 'metricName')).toMatch(/tierV2.*'CpuPercent_Gateway', 'Capacity'/);
      const [test] = ofType(created, 'Microsoft.Insights/webtests');
      expect(test).toMatchObject({
        kind: 'standard',
        properties: {
          Enabled: true,
          Frequency: 300,
          Request: { HttpVerb: 'GET', RequestUrl: expect.stringMatching(/^\[format\('\{0\}\/health'/) },
          ValidationRules: { ExpectedHttpStatusCode: 200 },
        },
      });
      expect(at(test, 'properties', 'Locations')).toHaveLength(5);
      const [component] = ofType(created, 'Microsoft.Insights/components');
      expect(test?.['tags']).toMatchObject({ [`hidden-link:${component?.id}`]: 'Resource' });
    });

    it('tells of a secret that is about to expire', () => {
      const { created, existing } = read();
      expect(ofType(existing, 'Microsoft.EventGrid/systemTopics')).toStrictEqual([]);
      const [expiry] = ofType(created, 'Microsoft.EventGrid/systemTopics/eventSubscriptions');
      const [mail] = ofType(created, 'Microsoft.Insights/actionGroups');
      expect(expiry).toMatchObject({
        properties: {
          filter: { includedEventTypes: ['Microsoft.KeyVault.SecretNearExpiry', 'Microsoft.KeyVault.SecretExpired'] },
          destination: { endpointType: 'MonitorAlert', properties: { actionGroups: [mail?.id] } },
        },
      });
    });

    it('has alert rules when there is somebody to tell, with the thresholds of the parameters', () => {
      const { existing, created, vnet, functionKey, pool } = read();
      for (const silent of [existing, vnet, functionKey]) {
        expect([...alertsOf(silent)]).toStrictEqual([]);
        expect(ofType(silent, 'Microsoft.Insights/actionGroups')).toStrictEqual([]);
      }
      expect(ofType(pool, 'Microsoft.Insights/actionGroups')).toStrictEqual([]);
      const [mail] = ofType(created, 'Microsoft.Insights/actionGroups');
      expect(mail).toMatchObject({
        location: 'global',
        properties: {
          groupShortName: expect.stringMatching(/^.{1,12}$/),
          emailReceivers: [{ emailAddress: 'on-call@contoso.com', useCommonAlertSchema: true }],
        },
      });
      const settings = (expansion: Expansion) =>
        Array.from(alertsOf(expansion).values(), (rule) => [
          criterionOf(rule)['threshold'],
          at(rule, 'properties', 'actions', 'actionGroups'),
        ]);
      const group =
        '/subscriptions/00000000-0000-0000-0000-000000000001/resourceGroups/rg-operations/providers/Microsoft.Insights/actionGroups/on-call';
      // Errors, throttled calls, missing records, instances and budgets are told of by parameter.
      const thresholds = (errors: number, throttled: number, missing: number, instances: number) => [
        2,
        errors,
        throttled,
        50,
        2,
        0,
        0,
        missing,
        0,
        instances,
        80,
        0,
        0,
      ];
      expect(settings(pool)).toStrictEqual(thresholds(5, 10, 1, 80).map((threshold) => [threshold, [group]]));
      expect(settings(created)).toStrictEqual(thresholds(2, 10, 1, 32).map((threshold) => [threshold, [mail?.id]]));
    });
  });
}
