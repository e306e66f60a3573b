import type { AccessKey } from '../../scripts/iam.ts';
import type { Look } from '../azure/look.ts';

/** What IAM says of one action on one resource. */
export interface Decision {
  readonly action: string;
  readonly resource: string;
  readonly decision: 'allowed' | 'explicitDeny' | 'implicitDeny';
}

/** Which actions on which resources, called from where. */
export interface Simulation {
  readonly actions: readonly string[];
  readonly resources: readonly string[];
  /** Values of condition keys, by name. */
  readonly context: Readonly<Record<string, string>>;
}

/** Whether the account can call a model, as Bedrock's GetFoundationModelAvailability says it. */
export interface Availability {
  readonly agreement: string;
  readonly authorization: string;
  readonly entitlement: string;
  readonly region: string;
}

/** The AWS account of the deployment, by whoever the AWS SDK finds signed in. */
export interface Aws {
  readonly region: string;
  /** Name of the IAM user that the proxy signs as; undefined for a role. */
  readonly user: string | undefined;
  /** ARN of the user or role. */
  readonly principal: () => Promise<Look<string>>;
  /** Access keys of the user, the oldest first. */
  readonly keys: () => Promise<Look<readonly AccessKey[]>>;
  /** The service that a key was last used for, or `nothing`. */
  readonly lastUsedFor: (id: string) => Promise<Look<string>>;
  readonly simulate: (simulation: Simulation) => Promise<Look<readonly Decision[]>>;
  /** @param modelId of a foundation model */
  readonly availability: (modelId: string) => Promise<Look<Availability>>;
}
