import type { Check } from '../check.ts';
import { awsKey } from './aws-key.ts';
import { awsModel } from './aws-model.ts';
import { awsPolicy } from './aws-policy.ts';
import { app } from './app.ts';
import { bearer } from './bearer.ts';
import { closed } from './closed.ts';
import { gateway } from './gateway.ts';
import { health } from './health.ts';
import { http2 } from './http2.ts';
import { modelIds } from './model-ids.ts';
import { notification } from './notification.ts';
import { noKey } from './no-key.ts';
import { realAnswer } from './answer.ts';
import { deployedPackage } from './package.ts';
import { providers } from './providers.ts';
import { publishing } from './publishing.ts';
import { records } from './records.ts';
import { refusals } from './refusals.ts';
import { resources } from './resources.ts';
import { roles } from './roles.ts';
import { secret } from './secret.ts';
import { signIn } from './sign-in.ts';
import { streaming } from './streaming.ts';
import { tokenChain } from './token-chain.ts';
import { wrongKey } from './wrong-key.ts';

/** In the order in which they are run and told: from the ground up. */
export const CHECKS: readonly Check[] = [
  signIn,
  providers,
  resources,
  app,
  deployedPackage,
  roles,
  secret,
  closed,
  publishing,
  gateway,
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
  records,
  notification,
  awsKey,
  awsPolicy,
  awsModel,
];
