import { setTimeout as sleep } from 'node:timers/promises';

import type { KeyVault } from '../emulators/azure/key-vault.ts';
import { type Chain, newKey } from '../emulators/chain.ts';
import { forgetRequests } from './holdings.ts';

export const SECRET = 'aws-credentials';

/** What ails the vault between two rotations, in turns; the callers must not notice. */
const VAULT_TROUBLES: readonly { begin(vault: KeyVault): void; end(vault: KeyVault): void }[] = [
  { begin: (vault) => vault.outage(true), end: (vault) => vault.outage(false) },
  { begin: (vault) => vault.fail(500), end: (vault) => vault.fail(500, 0) },
  { begin: (vault) => vault.hang(true), end: (vault) => vault.hang(false) },
  { begin: (vault) => vault.revokeRole(), end: (vault) => vault.grantRole() },
];

interface Rotation {
  nextAt(): number;
  readonly done: Promise<{ rotations: number; troubles: number }>;
}

/** New keys each period, the old ones dead at once; in the middle of each period the vault is in trouble. */
export function rotate(chain: Chain, start: number, end: number, periodMs: number): Rotation {
  let nextAt = start + periodMs;
  const until = (time: number) => sleep(Math.max(0, Math.min(time, end) - performance.now()));
  const run = async () => {
    let rotations = 0;
    for (;;) {
      const trouble = VAULT_TROUBLES[rotations % VAULT_TROUBLES.length];
      await until(nextAt - 0.6 * periodMs);
      trouble?.begin(chain.vault);
      await until(nextAt - 0.2 * periodMs);
      trouble?.end(chain.vault);
      forgetRequests(chain);
      await until(nextAt);
      // Not by the clock, which a timer can be ahead of by a fraction of a millisecond.
      if (nextAt >= end) return { rotations, troubles: rotations + 1 };
      const key = newKey();
      chain.vault.set(SECRET, JSON.stringify(key));
      for (const bedrock of chain.endpoints) bedrock.setKeys([key]);
      rotations += 1;
      nextAt += periodMs;
    }
  };
  return { nextAt: () => nextAt, done: run() };
}
