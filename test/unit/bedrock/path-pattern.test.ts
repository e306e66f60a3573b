import { expect, it } from 'vitest';

import { pathPattern } from '../../../src/bedrock/path-pattern.ts';

const GUARDRAIL = '/guardrail/{guardrailIdentifier}/version/{guardrailVersion}/apply';

it.each<[template: string, path: string, values: string[] | undefined]>([
  ['/async-invoke', '/async-invoke', []],
  ['/async-invoke', '/async-invoke/', undefined],
  ['/model/{modelId}/converse', '/model/m/converse', ['m']],
  ['/model/{modelId}/converse', '/model/a/b\n/converse/converse', ['a/b\n/converse']],
  ['/model/{modelId}/converse', '/model//converse', undefined],
  ['/model/{modelId}/converse', '/model/converse', undefined],
  ['/model/{modelId}/converse', 'x/model/m/converse', undefined],
  ['/async-invoke/{invocationArn}', '/async-invoke/a/b', ['a/b']],
  ['/async-invoke/{invocationArn}', '/async-invoke/', undefined],
  [GUARDRAIL, '/guardrail/g/version/1/apply', ['g', '1']],
  [GUARDRAIL, '/guardrail/a/version/b/version/1/apply', ['a/version/b', '1']],
  [GUARDRAIL, '/guardrail//version/1/apply', undefined],
  [GUARDRAIL, '/guardrail/g/version//apply', undefined],
  [GUARDRAIL, '/guardrail/g/apply', undefined],
  [GUARDRAIL, '/guardrail/version/1/apply', undefined],
])('%s of %j', (template, path, values) => {
  expect(pathPattern(template)(path)).toStrictEqual(values);
});

it('is what greedy labels of a regular expression take', () => {
  const words = ['/', 'a', '/version/', '/guardrail/', '/apply', 'version'];
  const pattern = /^\/guardrail\/(.+)\/version\/(.+)\/apply$/s;
  const match = pathPattern(GUARDRAIL);
  const differing: string[] = [];
  for (let number = 0; number < words.length ** 5; number += 1) {
    const middle = Array.from(
      { length: 5 },
      (_, digit) => words[Math.floor(number / words.length ** digit) % words.length],
    );
    const path = `/guardrail/${middle.join('')}/apply`;
    const expected = pattern.exec(path)?.slice(1);
    if (String(match(path)) !== String(expected)) differing.push(path);
  }
  expect(differing).toStrictEqual([]);
});
