import { plain, type Answer } from './answer.ts';
import { member, requireObject } from './json.ts';
import type { ReceivedRequest } from './received-request.ts';
import { countInput } from './tokens.ts';

/** ApplyGuardrail: nothing was found, so the guardrail does not intervene. */
export function applyGuardrail({ body }: ReceivedRequest): Answer {
  const content = member(requireObject(body), 'content');
  const characters = list(content)
    .map((block) => member(block, 'text', 'text'))
    .reduce<number>((sum, text) => sum + (typeof text === 'string' ? text.length : 0), 0);
  return plain({
    usage: {
      topicPolicyUnits: 0,
      contentPolicyUnits: textUnits(characters),
      wordPolicyUnits: 0,
      sensitiveInformationPolicyUnits: 0,
      sensitiveInformationPolicyFreeUnits: 0,
      contextualGroundingPolicyUnits: 0,
    },
    action: 'NONE',
    actionReason: 'No action.',
    outputs: [],
    assessments: [{ invocationMetrics: { guardrailProcessingLatency: 181 } }],
    guardrailCoverage: { textCharacters: { guarded: characters, total: characters } },
  });
}

/** InvokeGuardrailChecks: every category the request names, each with the lowest severity. */
export function invokeGuardrailChecks(request: ReceivedRequest): Answer {
  const checks = member(requireObject(request.body), 'checks');
  const results: Record<string, object> = {};
  const usage: Record<string, object> = {};
  for (const check of ['contentFilter', 'promptAttack', 'sensitiveInformation']) {
    if (member(checks, check) !== undefined) {
      const categories = list(member(checks, check, 'categories'));
      results[check] = {
        results: categories.map((entry) => ({ category: member(entry, 'category'), severityScore: 0 })),
      };
      usage[check] = { textUnits: textUnits(4 * countInput(request)) };
    }
  }
  return plain({ results, usage });
}

function list(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

/** A text unit is up to a thousand characters. */
function textUnits(characters: number): number {
  return Math.ceil(characters / 1000);
}
