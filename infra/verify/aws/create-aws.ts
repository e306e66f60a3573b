import { BedrockClient, GetFoundationModelAvailabilityCommand } from '@aws-sdk/client-bedrock';
import { type ContextEntry, GetUserCommand, IAMClient, SimulatePrincipalPolicyCommand } from '@aws-sdk/client-iam';

import { keysOf } from '../../scripts/iam.ts';
import type { Look } from '../azure/look.ts';
import type { Aws, Decision } from './aws.ts';

/** @param name of an IAM user, or ARN of a user or role */
export function createAws(name: string, region: string): Aws {
  const iam = new IAMClient({ region });
  // Not the bearer token that the variables of a client of the proxy may hold.
  const bedrock = new BedrockClient({ region, authSchemePreference: ['sigv4'] });
  const user = name.startsWith('arn:') ? /:user\/(?:.*\/)?([^/]+)$/.exec(name)?.[1] : name;
  const principal = once(() =>
    look(async () => {
      if (name.startsWith('arn:')) return name;
      const { User } = await iam.send(new GetUserCommand({ UserName: name }));
      return User?.Arn ?? '';
    }),
  );
  return {
    region,
    user,
    principal,
    keys: () => look(() => keysOf(user ?? '').list()),
    lastUsedFor: (id) => look(async () => (await keysOf(user ?? '').lastUsedFor(id)) ?? 'nothing'),
    async simulate({ actions, resources, context }) {
      const arn = await principal();
      if (!('found' in arn)) return arn;
      const question = {
        PolicySourceArn: arn.found,
        ActionNames: [...actions],
        ResourceArns: [...resources],
        ContextEntries: Object.entries(context).map(entry),
      };
      return look(async () => {
        const { EvaluationResults = [] } = await iam.send(new SimulatePrincipalPolicyCommand(question));
        return EvaluationResults.flatMap(({ EvalActionName, EvalResourceName, EvalDecision }): Decision[] =>
          EvalActionName === undefined || EvalDecision === undefined
            ? []
            : [{ action: EvalActionName, resource: EvalResourceName ?? '*', decision: EvalDecision }],
        );
      });
    },
    availability: (modelId) =>
      look(async () => {
        const found = await bedrock.send(new GetFoundationModelAvailabilityCommand({ modelId }));
        return {
          agreement: found.agreementAvailability?.status ?? 'UNKNOWN',
          authorization: found.authorizationStatus ?? 'UNKNOWN',
          entitlement: found.entitlementAvailability ?? 'UNKNOWN',
          region: found.regionAvailability ?? 'UNKNOWN',
        };
      }),
  };
}

function entry([name, value]: readonly [string, string]): ContextEntry {
  const type = name === 'aws:SourceIp' ? 'ip' : name === 'aws:ViaAWSService' ? 'boolean' : 'string';
  return { ContextKeyName: name, ContextKeyValues: [value], ContextKeyType: type };
}

/** What was found, that it is not there, or why it cannot be looked at: in AWS's name of the error, never its text. */
async function look<Value>(ask: () => Promise<Value>): Promise<Look<Value>> {
  try {
    return { found: await ask() };
  } catch (error) {
    const { name } = error as Error;
    if (/^(NoSuchEntity|ResourceNotFound|ValidationException)/.test(name)) return { absent: true };
    if (/^Credentials|TokenProviderError/.test(name))
      return { why: 'nobody is signed in to AWS: AWS_PROFILE, or aws sso login' };
    return { why: `AWS does not tell: ${name}` };
  }
}

function once<Value>(ask: () => Promise<Value>): () => Promise<Value> {
  let answer: Promise<Value> | undefined;
  return () => (answer ??= ask());
}
