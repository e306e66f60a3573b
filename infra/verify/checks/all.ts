import type { Check } from '../check.ts';
import { bearer } from './bearer.ts';
import { health } from './health.ts';
import { http2 } from './http2.ts';
import { modelIds } from './model-ids.ts';
import { noKey } from './no-key.ts';
import { realAnswer } from './answer.ts';
import { refusals } from './refusals.ts';
import { streaming } from './streaming.ts';
import { tokenChain } from './token-chain.ts';
import { wrongKey } from './wrong-key.ts';

/** In the order in which they are run and told: from the ground up. */
export const CHECKS: readonly Check[] = [
  noKey,
  wrongKey,
  health,
  bearer,
  tokenChain,
  refusals,
  modelIds,
  realAnswer,
  streaming,
  http2,
];
