import { setTimeout as sleep } from 'node:timers/promises';

/**
 * For what no event tells of: asks again and again until it is so. How long that takes is the machine's affair; only the
 * time that a whole test may take ends it.
 *
 * @param pauseMs between two questions
 */
export async function waitUntil(isSo: () => boolean | Promise<boolean>, pauseMs = 20): Promise<void> {
  while (!(await isSo())) await sleep(pauseMs);
}
