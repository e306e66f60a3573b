import type { Check } from '../check.ts';
import { failed, ok, skipped, warning } from '../finding.ts';
import { explain, isNoAnswer } from '../explain.ts';
import { askByHttp2 } from '../http2.ts';
import { judgeStream, streamQuestion } from './streaming.ts';

const TIMEOUT_MS = 60_000;

export const http2: Check = {
  id: '19b',
  title: 'The same over HTTP/2',
  layer: 'Bedrock',
  needs: ['13', '19'],
  async run({ endpoint, modelId, calls }) {
    if (!endpoint.isTls) return skipped('plain http: there is no TLS by which HTTP/2 could be agreed upon');
    const question = calls ? streamQuestion(endpoint, modelId) : { path: '/health', headers: endpoint.key };
    const answer = await askByHttp2(endpoint, question, TIMEOUT_MS);
    if ('agreed' in answer) {
      return warning(
        `the gateway has chosen ${answer.agreed} by ALPN, not h2`,
        'The AWS SDK for JavaScript speaks nothing but HTTP/2 by itself: turn client-side HTTP/2 on (portal: Protocols + ' +
          'ciphers), or use NodeHttpHandler.',
      );
    }
    if (calls) {
      const finding = judgeStream(answer, modelId);
      return { ...finding, evidence: `h2 agreed; ${finding.evidence}` };
    }
    if (isNoAnswer(answer)) return explain(answer);
    return answer.status === 200
      ? ok('h2 agreed, 200 of /health')
      : failed(`h2 agreed, but ${answer.status} of /health`, 'Compare with check 13: HTTP/2 takes another way.');
  },
};
