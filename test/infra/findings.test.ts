import { describe, expect, it } from 'vitest';

import { type Bicep, findBicep } from './bicep-compiler.ts';
import { expand } from './expand.ts';
import { FINDINGS } from './findings.ts';

const bicep = await findBicep();

describe.skipIf(bicep === undefined)('what reviews have found stays mended', () => {
  it.each(FINDINGS)('$id in $deployment: $what', async ({ deployment, holds, mistake }) => {
    const expansion = await expand(bicep as Bicep, deployment);
    expect(holds(expansion)).toBe(true);
    // A rule that no mistake breaks says nothing.
    const planted = structuredClone(expansion);
    mistake(planted);
    expect(holds(planted)).toBe(false);
  });
});
