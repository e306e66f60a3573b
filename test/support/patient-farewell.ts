import { join } from 'node:path';

import { type ManualClock, manualClock } from './manual-clock.ts';
import { root } from './root.ts';

/** For a chain whose worker ends when it has done everything: neither the function nor the host counts the seconds. */
export function patientFarewell(): { nodeArguments: string[]; hostClock: ManualClock } {
  const nodeArguments = ['--require', join(root, 'test/support/patient-farewell.cjs')];
  return { nodeArguments, hostClock: manualClock() };
}
