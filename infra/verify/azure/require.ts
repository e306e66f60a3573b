import { skipped } from '../finding.ts';
import type { Azure } from './azure.ts';
import type { Deployed } from './deployed.ts';
import { Settled } from './look.ts';

/** The deployment. @throws Settled as skipped when it cannot be looked at */
export function deployedIn({ deployed }: Azure): Deployed {
  if ('found' in deployed) return deployed.found;
  throw new Settled(skipped('why' in deployed ? deployed.why : 'there is no deployment'));
}
