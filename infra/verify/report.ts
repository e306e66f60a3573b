import { exitCode, type Result } from './run.ts';
import type { Status } from './check.ts';

const WIDTH = 80;
const INDENT = 14;

/** One check in lines of at most 80 columns: status, number, title; evidence; remedy. */
export function lines({ check, status, evidence, remedy }: Result): string {
  const head = `${status.padEnd(8)} ${check.id.padStart(3)}  ${check.title}`;
  const rest = [status === 'skipped' ? `(${evidence})` : evidence];
  if (remedy !== undefined) rest.push(`-> ${remedy}`);
  return [head, ...rest.flatMap((text) => wrap(text, WIDTH - INDENT))]
    .map((line, index) => (index === 0 ? line : ' '.repeat(INDENT) + line))
    .join('\n');
}

/** The end: how many of each, and what the exit code says. */
export function summary(results: readonly Result[]): string {
  const count = (status: Status) => results.filter((result) => result.status === status).length;
  const counts = (['ok', 'warning', 'failed', 'skipped'] as const).map((status) => `${count(status)} ${status}`);
  const first = results.find(({ status }) => status === 'failed');
  const verdict =
    first === undefined
      ? 'Nothing that was looked at has failed.'
      : `Begin with check ${first.check.id}: what follows may be its consequence.`;
  return `${counts.join(', ')}. ${verdict}`;
}

export interface Head {
  readonly url: string;
  readonly modelId: string;
  readonly calls: boolean;
}

/** The whole in JSON, for pipelines. */
export function asJson({ url, modelId, calls }: Head, results: readonly Result[]): string {
  const checks = results.map(({ check: { id, title, layer }, status, evidence, remedy }) => ({
    id,
    title,
    layer,
    status,
    ...(status === 'skipped' ? { why: evidence } : { evidence }),
    ...(remedy === undefined ? {} : { remedy }),
  }));
  return JSON.stringify({ url, modelId, calls, exitCode: exitCode(results), checks }, null, 2);
}

/** Lines of whole words; a word that is longer than a line stands alone. */
export function wrap(text: string, width: number): string[] {
  const wrapped: string[] = [];
  for (const word of text.split(' ')) {
    const last = wrapped.at(-1);
    if (last !== undefined && last.length + 1 + word.length <= width) wrapped[wrapped.length - 1] = `${last} ${word}`;
    else wrapped.push(word);
  }
  return wrapped;
}
