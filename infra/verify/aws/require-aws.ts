import { Settled } from '../azure/look.ts';
import type { Context } from '../check.ts';
import { skipped } from '../finding.ts';
import type { Aws } from './aws.ts';

/** The account. @throws Settled as skipped without --aws */
export function awsIn({ aws }: Context): Aws {
  if (aws !== undefined) return aws;
  throw new Settled(skipped('--aws <user or role> looks at the AWS account, too'));
}
