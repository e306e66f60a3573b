import { expect, it } from 'vitest';

import { collectLines } from '../../src/log.ts';

it('lines that come together are written together, in order and without being asked', async () => {
  const written = Promise.withResolvers<string>();
  const lines = collectLines(written.resolve);
  lines.add('one');
  lines.add('two');
  expect(await written.promise).toBe('one\ntwo');
});

it('flush writes what waits, once, and nothing when nothing waits', () => {
  const writes: string[] = [];
  const lines = collectLines((text) => writes.push(text));
  lines.flush();
  lines.add('one');
  lines.flush();
  lines.flush();
  lines.add('two');
  lines.flush();
  expect(writes).toStrictEqual(['one', 'two']);
});

it('much is written at once', () => {
  const writes: string[] = [];
  const lines = collectLines((text) => writes.push(text));
  const line = 'x'.repeat(40_000);
  lines.add(line);
  expect(writes).toStrictEqual([]);
  lines.add(line);
  expect(writes).toStrictEqual([`${line}\n${line}`]);
});
