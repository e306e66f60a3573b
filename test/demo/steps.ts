import type { Page } from './page.ts';

/** Records a check: `assertion` throws (`node:assert`) when what `name` says is not so. */
export type Check = (name: string, assertion: () => void) => void;

/** One thing that the demonstration shows, and proves by checks. */
export interface Step {
  readonly title: string;
  run(check: Check): Promise<void>;
}

/** What came out. `failed` is the check that was false, or the step that broke off outside of one. */
export interface Report {
  readonly passed: readonly string[];
  readonly failed?: { readonly name: string; readonly error: Error };
}

/** Runs steps in order. The first false check ends it, and so does an error, or a step that takes longer than allowed. */
export async function runSteps(steps: readonly Step[], page: Page, secondsPerStep: number): Promise<Report> {
  const passed: string[] = [];
  let current = '';
  try {
    for (const [index, step] of steps.entries()) {
      current = step.title;
      page.step(index + 1, step.title);
      const check: Check = (name, assertion) => {
        current = name;
        assertion();
        current = step.title;
        passed.push(name);
        page.passed(name);
      };
      await within(secondsPerStep, step.title, step.run(check));
    }
    return { passed };
  } catch (thrown) {
    const error = thrown instanceof Error ? thrown : new Error(String(thrown));
    page.failed(current, error.message);
    return { passed, failed: { name: current, error } };
  }
}

/** The promise's outcome, or a rejection when there is none after `seconds`. */
export async function within<T>(seconds: number, name: string, promise: Promise<T>): Promise<T> {
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(() => late.reject(new Error(`No end after ${seconds} seconds: ${name}`)), seconds * 1000);
  try {
    return await Promise.race([promise, late.promise]);
  } finally {
    clearTimeout(timer);
  }
}

/** The end of the page: everything that was checked, and the result. */
export function summarize({ passed, failed }: Report, page: Page, seconds: number): void {
  page.gap();
  page.title('What was checked');
  for (const name of passed) page.passed(name);
  if (failed !== undefined) page.failed(failed.name, failed.error.message);
  page.gap();
  page.title(
    failed === undefined
      ? `All ${passed.length} checks are true. ${seconds.toFixed(1)} seconds.`
      : `The demonstration failed after ${passed.length} true checks: ${failed.name}`,
  );
  if (failed !== undefined) return;
  page.gap();
  page.text(
    'What next: `npm run dev` keeps all this running, for a client of your own. README.md says how clients call it, ' +
      'how it is deployed, and what it tells about each call.',
  );
}
