import { type Answer, describe, errorTypeOf, invocationId, makerOf, messageOf } from './answer.ts';
import { failed, type Finding } from './finding.ts';
import type { NoAnswer } from './no-answer.ts';

/** Which answer it is, and what mends it. */
interface Rule {
  readonly when: (answer: Answer, message: string) => boolean;
  readonly remedy: string | ((modelId: string) => string);
}

const is = (maker: ReturnType<typeof makerOf>, status: number, words = /(?:)/): Rule['when'] => {
  return (answer, message) => makerOf(answer) === maker && answer.status === status && words.test(message);
};
const type = (name: RegExp, words = /(?:)/): Rule['when'] => {
  return (answer, message) => makerOf(answer) === 'Bedrock' && name.test(errorTypeOf(answer)) && words.test(message);
};

/** In this order. The texts of the function are those of `src`, the texts of Bedrock those of its API. */
const RULES: readonly Rule[] = [
  {
    when: is('gateway', 401),
    remedy:
      'Use a key of an active subscription whose product holds this API: "bedrock", or the API itself (portal: ' +
      'Subscriptions). A key of another product is not accepted here.',
  },
  {
    when: is('function', 401),
    remedy:
      'The function does not take the token of the gateway: audience, issuer or version differ. Run register-app.ts ' +
      'and `azd provision`; query 1 of infra/TROUBLE.md shows what is wrong with the token.',
  },
  {
    when: is('function', 403, /identity that the token names/),
    remedy:
      'The gateway has another identity than ENTRA_ALLOWED_CALLERS of the function names, made anew perhaps. Run ' +
      '`azd provision`.',
  },
  {
    when: is('function', 403, /does not allow this model/),
    remedy: 'This subscription may not use the model. Name one that it may use: --model.',
  },
  {
    when: is('function', 403, /budget|has no price/i),
    remedy:
      'A budget of this subscription stands in the way: GET /usage shows it. Raise it, or use another subscription.',
  },
  {
    when: is('function', 403, /of the gateway: AWS would not know/),
    remedy: 'The session of AWS is named after a product or subscription: use a key of a subscription of the product.',
  },
  {
    when: is('function', 429),
    remedy: 'A budget of the minute or hour is used up. Wait, or use a subscription of its own for this check.',
  },
  {
    when: (answer) => answer.status === 429 && makerOf(answer) === 'gateway',
    remedy: "A limit of the gateway's policies refuses. Wait, or use a subscription of its own for this check.",
  },
  {
    when: is('function', 503, /AWS does not accept the credentials/),
    remedy:
      'AWS refuses the key in the vault: it is deleted, disabled, or of another partition. Store another one: ' +
      'infra/scripts/store-aws-credentials.ts.',
  },
  {
    when: is('function', 503, /AWS does not accept the time/),
    remedy: "The clock of the app is off and AWS's is not seen: let the header Date of AWS's answers through.",
  },
  {
    when: is('function', 503, /no session of the role/),
    remedy: 'STS refuses: query 1 of infra/TROUBLE.md has its code, "STS gives no session" there what to do.',
  },
  {
    when: is('function', 503, /credentials could not be read/),
    remedy:
      'There is no readable key in the vault. Run infra/scripts/store-aws-credentials.ts; if the key is there, the ' +
      "app's identity lacks Key Vault Secrets User, or the network of the vault.",
  },
  {
    when: is('function', 503, /order|x-gateway-/),
    remedy: 'A policy of the gateway gives an order that the function cannot read: mend the variable that it names.',
  },
  {
    when: is('function', 503, /[Ww]rong settings/),
    remedy: 'Mend the settings that it names (src/config/README.md), then `azd provision`.',
  },
  {
    when: is('function', 503),
    remedy: 'Query 1 of infra/TROUBLE.md shows the cause: no connection to Bedrock, one that broke, or memory.',
  },
  {
    when: is('function', 404),
    remedy: 'What arrives at the function is not the path that was sent: something between rewrites paths.',
  },
  {
    when: is('function', 400),
    remedy: 'What arrives at the function is not what was sent: something between changes paths or bodies.',
  },
  {
    when: is('function', 500),
    remedy: 'A defect of the proxy: report it with the line bedrock.defect of the log.',
  },
  {
    when: (answer) => answer.status === 408 && makerOf(answer) !== 'Bedrock',
    remedy: 'The model did not begin in time. Name a faster one: --model.',
  },
  {
    when: is('gateway', 404),
    remedy: 'The gateway has no such operation: its API is older than this checkout. Run `azd provision`.',
  },
  {
    when: is('gateway', 503),
    remedy:
      'The gateway cannot connect to the function app: is it running, and is its name resolved where the gateway is? ' +
      '`az functionapp show --query state`.',
  },
  {
    when: is('platform', 403),
    remedy:
      'The app refuses the address that the gateway calls from: set GATEWAY_ADDRESSES and run `azd provision`. (An ' +
      'Application Gateway or firewall before the gateway may refuse as well.)',
  },
  {
    when: is('platform', 404),
    remedy: 'No API has this path: the URL must end with the path of the API, for instance /bedrock.',
  },
  {
    when: (answer) => makerOf(answer) === 'platform' && answer.status >= 500,
    remedy: 'The function app does not run: is the package there (`azd deploy`), and is its state Running?',
  },
  {
    when: type(/^AccessDeniedException$/, /not authorized to perform/i),
    remedy:
      "The IAM policy of the proxy's user or role lacks the action or the model that AWS names: infra/SECURITY.md has " +
      'the policies.',
  },
  {
    when: type(/^AccessDeniedException$|^FTUFormNotFilled/),
    remedy:
      "The model is not enabled in the AWS account: an administrator calls it once, or fills in the provider's form " +
      '(Bedrock console, Model access); or name another one: --model.',
  },
  {
    when: type(/^ValidationException$/, /on-demand throughput/i),
    remedy: (modelId) =>
      `In this region the model is called by an inference profile: --model ${GEOGRAPHIES.map((each) => `${each}.${modelId}`).join(' or ')}.`,
  },
  {
    when: type(/^(ValidationException|ResourceNotFoundException)$/, /model/i),
    remedy: 'The region does not have this model. Name one that it has: --model.',
  },
  {
    when: type(/^(ThrottlingException|ServiceQuotaExceededException)$/),
    remedy: 'The quota of the AWS account is used up: wait, or have it raised (Service Quotas, Amazon Bedrock).',
  },
  {
    when: (answer) => makerOf(answer) === 'Bedrock' && answer.status >= 500,
    remedy: 'Bedrock itself fails: try again, then look at the AWS Health Dashboard.',
  },
];

const GEOGRAPHIES = ['eu', 'us', 'apac'];

export function isNoAnswer(answer: Answer | NoAnswer): answer is NoAnswer {
  return 'none' in answer;
}

/** An answer that is not the one hoped for, with what mends it; `what` was asked for. */
export function explain(answer: Answer | NoAnswer, modelId = '', what?: string): Finding {
  const before = what === undefined ? '' : `${what}: `;
  if (isNoAnswer(answer)) return failed(before + answer.evidence, answer.remedy);
  const message = messageOf(answer);
  const remedy = RULES.find(({ when }) => when(answer, message))?.remedy ?? unknown(answer);
  const id = invocationId(answer);
  return failed(
    `${before}${describe(answer)}${id === undefined ? '' : ` (x-ms-invocation-id ${id})`}`,
    typeof remedy === 'string' ? remedy : remedy(modelId),
  );
}

function unknown(answer: Answer): string {
  return makerOf(answer) === 'platform'
    ? 'Neither the policy nor the function has made this answer: look at what stands between, beginning with the URL.'
    : 'infra/TROUBLE.md lists answers by their text; query 2 there shows this call.';
}
