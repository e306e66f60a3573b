import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

import { beforeAll, describe, expect, it } from 'vitest';

import { root } from '../support/root.ts';

const MIB = 1_048_576;

interface Size {
  readonly memoryMB: number;
  readonly requestBytes: number;
  readonly concurrency: number;
  readonly remark: string;
}

let sizes: Size[];
let defaults: Partial<Record<string, number>>;

beforeAll(async () => {
  const readme = await readFile(join(root, 'infra/app/README.md'), 'utf8');
  sizes = Array.from(
    readme.matchAll(/^\| (\d+) \| (\d+) \| (\d+) \| (.+) \|$/gm),
    ([, memoryMB, requestBytes, concurrency, remark = '']) => ({
      memoryMB: Number(memoryMB),
      requestBytes: Number(requestBytes),
      concurrency: Number(concurrency),
      remark,
    }),
  );
  const template = await readFile(join(root, 'infra/main.bicep'), 'utf8');
  defaults = Object.fromEntries(
    Array.from(template.matchAll(/^param (\w+) int = (\d+)$/gm), ([, name, value]) => [name, Number(value)]),
  );
});

describe('the sizing table', () => {
  it('begins with the defaults of the template', () => {
    expect(sizes.length).toBeGreaterThan(3);
    expect(sizes[0]).toMatchObject({
      memoryMB: defaults['instanceMemoryMB'],
      requestBytes: defaults['maxRequestBytes'],
      concurrency: defaults['perInstanceConcurrency'],
    });
    expect(sizes[0]?.remark).toMatch(/^default; measured/);
  });

  it('holds no more in its computed rows than an instance has room for, and not much less', () => {
    const computed = sizes.filter(({ remark }) => remark.startsWith('computed'));
    expect(computed).toHaveLength(sizes.length - 1);
    for (const { memoryMB, requestBytes, concurrency } of computed) {
      const room = (memoryMB - 270 - 240) / 12.3;
      const held = (count: number) => (count * requestBytes) / MIB;
      expect(held(concurrency), `${memoryMB} MB, ${requestBytes} bytes`).toBeLessThanOrEqual(room);
      expect(held(concurrency + 2), `${memoryMB} MB, ${requestBytes} bytes`).toBeGreaterThan(room);
    }
  });
});
