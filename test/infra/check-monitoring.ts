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
      expect(settings(pool)).toStrictEqual([2, 5, 10, 80, 0, 0].map((threshold) => [threshold, [group]]));
      expect(settings(created)).toStrictEqual([2, 2, 10, 80, 0, 0].map((threshold) => [threshold, [mail?.id]]));
    });
  });
}
