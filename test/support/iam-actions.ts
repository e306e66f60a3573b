/** What can be called to get an answer of a model. */
const MODELS = [
  'application-inference-profile',
  'bedrock-marketplace-model-endpoint',
  'custom-model-deployment',
  'default-prompt-router',
  'foundation-model',
  'imported-model',
  'inference-profile',
  'prompt-router',
  'provisioned-model',
];

/**
 * Actions of IAM and the types of resource they are checked for; none: `"Resource": "*"`. From AWS's Service
 * Authorization Reference, "Actions, resources, and condition keys for Amazon Bedrock" (list_bedrock, read in November
 * 2026), without `system-tool` of the two invoke actions, which the user guide asks for `InvokeTool` instead. Those of
 * other services have no types here.
 */
export const ACTIONS: Readonly<Record<string, readonly string[] | 'another service'>> = {
  'bedrock:InvokeModel': [...MODELS, 'async-invoke', 'project'],
  'bedrock:InvokeModelWithResponseStream': MODELS,
  'bedrock:CountTokens': ['foundation-model'],
  'bedrock:ApplyGuardrail': ['guardrail', 'guardrail-profile'],
  'bedrock:InvokeAutomatedReasoningPolicy': ['automated-reasoning-policy', 'automated-reasoning-policy-version'],
  'bedrock:InvokeGuardrailChecks': [],
  'bedrock:InvokeTool': ['system-tool'],
  'bedrock:RenderPrompt': ['prompt', 'prompt-version'],
  'bedrock:GetAsyncInvoke': ['async-invoke'],
  'bedrock:ListAsyncInvokes': [],
  'bedrock:TagResource': ['async-invoke'],
  'bedrock:GetInvoke': ['project'],
  'bedrock:CancelInvoke': ['project'],
  'bedrock:DeleteInvoke': ['project'],
  's3:GetObject': 'another service',
  's3:PutObject': 'another service',
  'aws-marketplace:Subscribe': 'another service',
  'aws-marketplace:Unsubscribe': 'another service',
  'aws-marketplace:ViewSubscriptions': 'another service',
};
