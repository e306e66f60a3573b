import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { describe, expect, it } from 'vitest';

import { collectorsIn, differenceOf, namesIn } from '../../../infra/verify/azure/policy.ts';
import { root } from '../../support/root.ts';
import { type Bicep, findBicep } from '../bicep-compiler.ts';
import { at, expand, ofType } from '../expand.ts';
import { instead, without } from './verified.ts';

const POLICY = readFileSync(join(root, 'infra/gateway/policies/bedrock.xml'), 'utf8');
const bicep = await findBicep();

describe('the difference of a policy', () => {
  it.each([
    ['comments', POLICY.replaceAll(/<!--[\s\S]*?-->/g, '')],
    ['line ends and blanks', POLICY.replaceAll('\n', '\r\n').replaceAll(' />', '/>')],
    ['names of a deployment', POLICY.replaceAll('bedrock-', 'other-').replaceAll('"other-proxy"', '"another"')],
  ])('is not one of %s', async (what, policy) => {
    // Variables are no names of a deployment.
    const deployed = what.startsWith('names') ? policy.replaceAll(/(["'(])other-/g, '$1bedrock-') : policy;
    expect(await differenceOf(deployed)).toBeUndefined();
  });

  it.each([
    ['a statement less', without('<set-query-parameter name="code" exists-action="delete" />')],
    ['another value', instead('buffer-response="false"', 'buffer-response="true"')],
    ['a statement more at the end', instead('</on-error>', '<base /></on-error>')],
    ['another expression', instead('character > 126', 'character > 255')],
  ])('is %s', async (_, edit) => {
    expect(await differenceOf(edit(POLICY))).toMatch(/^statement \d+ of \d+: here <.+, there </);
  });

  it.skipIf(bicep === undefined).each(['existing-apim', 'function-key', 'new-apim', 'pool'])(
    'is none to what the template deploys by %s',
    async (parameters) => {
      const [policy] = ofType(
        await expand(bicep as Bicep, parameters),
        'Microsoft.ApiManagement/service/apis/policies',
      );
      expect(await differenceOf(String(at(policy, 'properties', 'value')))).toBeUndefined();
    },
  );
});

it('a policy names its backend and its values', () => {
  expect(namesIn(POLICY)).toStrictEqual({
    backend: 'bedrock-proxy',
    values: ['bedrock-max-request-bytes', 'bedrock-proxy-audience'],
  });
  expect(namesIn('<!-- <set-backend-service backend-id="x" /> {{y}} -->')).toStrictEqual({
    backend: undefined,
    values: [],
  });
});

it('what reads answers is found, and nothing else', () => {
  expect(collectorsIn(POLICY)).toStrictEqual([]);
  const inbound = '<policies><inbound><set-body>x</set-body></inbound><outbound><base /></outbound></policies>';
  expect(collectorsIn(inbound)).toStrictEqual([]);
  expect(collectorsIn(inbound.replace('<base />', '<set-body>x</set-body><cache-store duration="1" />'))).toStrictEqual(
    ['set-body', 'cache-store'],
  );
});
