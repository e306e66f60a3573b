import type { Chain } from '../emulators/chain.ts';
import type { Audit, Plan } from '../soak/audit.ts';
import { injectFaults } from '../soak/bedrock.ts';
import { INFERENCE } from '../soak/inference.ts';
import { onRecord } from '../support/records.ts';
import { accountsBy } from './order-budgets.ts';

/** What Bedrock and the log tell of calls. */
export interface Watch {
  readonly failures: string[];
  /** Whether Bedrock has heard of the call with this number. */
  hasReached(number: number): boolean;
  forget(number: number): void;
}

/** Has Bedrock and the log tell the audit of all calls, also of those that were spoilt and have no number. */
export function watch({ hosts, endpoints }: Chain, audit: Audit): Watch {
  const failures: string[] = [];
  const reached = new Set<number>();
  let unplanned = -1;
  for (const bedrock of endpoints) {
    injectFaults(bedrock, false, {
      asked(number, asked) {
        reached.add(number);
        if (!Number.isNaN(number)) return audit.asked(number, asked);
        unplanned -= 1;
        audit.planned(unknownPlan(unplanned));
        audit.ended(unplanned, { outcome: '', status: 0 });
        return audit.asked(unplanned, asked);
      },
    });
    bedrock.onRequest(({ refusal, target }) => {
      if (/Signature|UnrecognizedClient|must not reach|UnknownOperation/.test(refusal ?? '')) {
        failures.push(`${refusal} for ${target}`);
      }
    });
  }
  for (const host of hosts) {
    onRecord(host, audit.record);
    host.onLog(({ message }) => {
      const isDefect = /"event":"bedrock\.defect"|"errorType":"InternalServer/.test(message);
      // What goes wrong here beside the table is an order, or STS, which is not there, for a role that can be one.
      const isUnnamed = message.includes('"event":"bedrock.failure"') && !/x-gateway-|StsError/.test(message);
      if (isDefect || isUnnamed) failures.push(message.slice(0, 300));
    });
  }
  return { failures, hasReached: (number) => reached.has(number), forget: (number) => void reached.delete(number) };
}

/** Of a request that was spoilt: what it has used, and whom it is charged to, is known from its record. */
function unknownPlan(number: number): Plan {
  const [operation] = INFERENCE;
  if (operation === undefined) throw new Error('no operation');
  return {
    number,
    operation,
    team: { key: 'none', isSmall: false },
    fault: undefined,
    accounts(record) {
      const told = (record['budgets'] ?? []) as readonly { readonly budget: string }[];
      return accountsBy(
        told.map(({ budget }) => budget),
        record,
      );
    },
  };
}
