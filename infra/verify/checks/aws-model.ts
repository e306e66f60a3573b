import { modelFacts } from '../../../src/bedrock/model-id.ts';
import { awsIn } from '../aws/require-aws.ts';
import { present } from '../azure/look.ts';
import type { Check } from '../check.ts';
import { failed, ok, skipped } from '../finding.ts';

export const awsModel: Check = {
  id: '23',
  title: 'The account may call the model',
  layer: 'AWS',
  needs: [],
  onlyWith: '--aws',
  async run(context) {
    const aws = awsIn(context);
    const { modelId } = context;
    const model = modelFacts(modelId).foundationModelId;
    if (model === undefined) return skipped('which model is behind this ARN, only a call tells');
    const another = `Name one that ${aws.region} has: --model`;
    const { agreement, authorization, entitlement, region } = present(
      await aws.availability(model),
      `the model ${model}`,
      another,
    );
    const found = `${model} in ${aws.region}: agreement ${agreement}, ${authorization}, entitlement ${entitlement}, region ${region}`;
    if (region === 'NOT_AVAILABLE') return failed(found, another);
    if (agreement !== 'AVAILABLE') {
      return failed(
        found,
        "An administrator calls it once, or fills in the provider's form (Bedrock console, Model access)",
      );
    }
    if (authorization !== 'AUTHORIZED' || entitlement !== 'AVAILABLE') {
      return failed(
        found,
        'A service control policy or the account does not permit it: whoever owns the organisation knows',
      );
    }
    return ok(found);
  },
};
