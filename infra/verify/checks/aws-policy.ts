import { foundationModelOf, modelArns } from '../aws/model-arns.ts';
import type { Aws, Decision } from '../aws/aws.ts';
import { awsIn } from '../aws/require-aws.ts';
import { present } from '../azure/look.ts';
import type { Check } from '../check.ts';
import { failed, ok, warning } from '../finding.ts';

/** What every answer and every stream needs. */
const CALLS = ['bedrock:InvokeModel', 'bedrock:InvokeModelWithResponseStream'];

/** What else the usual groups of operations need of resources that are known here. */
const COUNTS = ['bedrock:CountTokens'];
const WITHOUT_RESOURCE = [
  'bedrock:InvokeGuardrailChecks',
  'bedrock:ListAsyncInvokes',
  'bedrock:ListFoundationModels',
  'bedrock:ListInferenceProfiles',
  'bedrock:GetFoundationModelAvailability',
];

/** Of the addresses that are kept for documents: nobody's. */
const ELSEWHERE = '203.0.113.254';

export const awsPolicy: Check = {
  id: '22',
  title: 'IAM allows what is served, for this model',
  layer: 'AWS',
  needs: [],
  onlyWith: '--aws',
  async run(context) {
    const { azure, modelId } = context;
    const aws = awsIn(context);
    const principal = present(await aws.principal(), 'the user or role', 'Name it as IAM does: --aws <user or ARN>');
    const client = azure.environment?.['BEDROCK_CLIENT_ADDRESS'] || undefined;
    const arns = modelArns(modelId, aws.region, principal);
    const profile = arns.find((arn) => arn.includes('inference-profile/'));
    const from = (address: string | undefined) => ({
      'aws:ViaAWSService': 'false',
      ...(address === undefined ? {} : { 'aws:SourceIp': address }),
      ...(profile === undefined ? {} : { 'bedrock:InferenceProfileArn': profile }),
    });
    const calls = await decide(aws, CALLS, arns, from(client));
    const refused = calls.find(({ decision }) => decision !== 'allowed');
    if (refused !== undefined) return denied(refused, client);
    const others = [
      ...(await decide(aws, COUNTS, [foundationModelOf(modelId, aws.region)], from(client))),
      ...(await decide(aws, WITHOUT_RESOURCE, ['*'], from(client))),
    ].filter(({ decision }) => decision !== 'allowed');
    const elsewhere = client === undefined ? [] : await decide(aws, CALLS, arns, from(ELSEWHERE));
    const found = `${calls.length} calls of ${modelId} are allowed${place(client, elsewhere)}`;
    if (others.length === 0) return ok(found);
    return warning(
      `${found}; served, but not allowed: ${others.map(({ action }) => action).join(', ')}`,
      'infra/SECURITY.md has the policies; callers of these operations get 403, which may be as you want it',
    );
  },
};

async function decide(
  aws: Aws,
  actions: readonly string[],
  resources: readonly string[],
  context: Readonly<Record<string, string>>,
): Promise<readonly Decision[]> {
  return present(await aws.simulate({ actions, resources, context }), 'the user or role', 'Name it as IAM does: --aws');
}

function denied({ action, resource, decision }: Decision, client: string | undefined) {
  const from = client === undefined ? '' : ` from ${client}`;
  return failed(
    `${action} on ${resource}${from}: ${decision}`,
    decision === 'explicitDeny'
      ? "A statement denies it: a condition aws:SourceIp that has not the address of the proxy, perhaps, or a guardrail's " +
          '(infra/SECURITY.md)'
      : 'The policies lack the action or the ARN: infra/SECURITY.md has them, and which ARNs an inference profile needs',
  );
}

function place(client: string | undefined, elsewhere: readonly Decision[]): string {
  if (client === undefined) return '';
  const others = elsewhere.some(({ decision }) => decision === 'allowed')
    ? 'from other addresses too'
    : 'from there only';
  return ` from ${client}, ${others}`;
}
