import { exitCode, type Result } from './run.ts';
import type { Check } from './check.ts';
import type { Status } from './finding.ts';

const WIDTH = 80;
const INDENT = 14;

/** Prints results as they come; checks in a row that are skipped for one reason are told together. */
export interface Printer {
  add(result: Result): void;
  end(): void;
}

export function createPrinter(print: (text: string) => void): Printer {
  let held: Result[] = [];
  const flush = () => {
    const [first] = held;
    if (first !== undefined) print(lines(held.length === 1 ? first : together(held)));
    held = [];
  };
  return {
    add(result) {
      if (result.status !== 'skipped' || result.evidence !== held[0]?.evidence) flush();
      held.push(result);
      if (result.status !== 'skipped') flush();
    },
    end: flush,
  };
}

function together(results: readonly Result[]): Printable {
  const ids = results.map(({ check }) => check.id);
  const check = { id: ids[0] ?? '', title: `to ${ids.at(-1)}, ${ids.length} checks` };
  return { check, status: 'skipped', evidence: results[0]?.evidence ?? '' };
}

type Printable = Omit<Result, 'check'> & { readonly check: Pick<Check, 'id' | 'title'> };

/** One check in lines of at most 80 columns: status, number, title; evidence; remedy. */
function lines({ check, status, evidence, remedy }: Printable): string {
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
