import { type Answer, json, makerOf, milliseconds } from '../answer.ts';
import type { Check } from '../check.ts';
import { failed, ok, warning } from '../finding.ts';
import { explain, isNoAnswer } from '../explain.ts';
import { modelQuestion } from '../model.ts';

const BODY = {
  messages: [{ role: 'user', content: [{ text: 'Say hello.' }] }],
  inferenceConfig: { maxTokens: 1 },
};

export const realAnswer: Check = {
  id: '18',
  title: 'A model answers',
  layer: 'Bedrock',
  needs: ['13', '17'],
  calls: 'Converse',
  async run({ endpoint, modelId }) {
    const answer = await endpoint.ask({ ...modelQuestion(modelId, 'converse'), body: BODY, headers: endpoint.key });
    if (isNoAnswer(answer)) return explain(answer, modelId);
    const usage = usageIn(answer);
    if (answer.status !== 200 || makerOf(answer) !== 'Bedrock') return explain(answer, modelId);
    if (!answer.complete) {
      return failed(
        'the answer broke off',
        'Look at what stands between here and the gateway; query 2 of infra/TROUBLE.md shows how the function saw it.',
      );
    }
    if (usage === undefined || !/^application\/json\b/.test(answer.headers['content-type'] ?? '')) {
      const type = answer.headers['content-type'] ?? 'missing';
      return failed(
        `200, but no answer of Converse (content-type ${type}, ${answer.body.length} bytes)`,
        'A policy of the gateway changes answers (set-header Content-Type, set-body, find-and-replace): take it away.',
      );
    }
    const { inputTokens, outputTokens, latencyMs } = usage;
    const beyond = latencyMs === undefined ? '' : `, of which Bedrock ${milliseconds(latencyMs)}`;
    const found =
      `200 of ${modelId} in ${milliseconds(answer.endMs)}${beyond}; ` +
      `tokens: ${inputTokens} in, ${outputTokens} out`;
    if (answer.headers['x-bedrock-usage-total-tokens'] !== undefined) return ok(found);
    return warning(
      `${found}; no usage headers`,
      'A policy of the gateway takes the headers x-bedrock-usage-* away, by which its token limits count: let them pass.',
    );
  },
};

function usageIn(
  answer: Answer,
): { inputTokens: number; outputTokens: number; latencyMs: number | undefined } | undefined {
  const { usage, metrics } = (json(answer) ?? {}) as {
    usage?: { inputTokens?: unknown; outputTokens?: unknown };
    metrics?: { latencyMs?: unknown };
  };
  const { inputTokens, outputTokens } = usage ?? {};
  if (typeof inputTokens !== 'number' || typeof outputTokens !== 'number') return undefined;
  const latencyMs = typeof metrics?.latencyMs === 'number' ? metrics.latencyMs : undefined;
  return { inputTokens, outputTokens, latencyMs };
}
