import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { describe, expect, it } from 'vitest';

import { GROUPS } from '../../src/bedrock/groups.ts';
import { parseGuardrail } from '../../src/bedrock/guardrail.ts';
import { SERVICES } from '../../src/bedrock/services.ts';
import { ACTIONS } from '../support/iam-actions.ts';
import { blocksIn, codeIn, rowsUnder } from '../support/markdown.ts';
import { root } from '../support/root.ts';

interface Statement {
  readonly Sid: string;
  readonly Effect: string;
  readonly Action: string | string[];
  readonly Resource: string | string[];
  readonly Condition?: Record<string, Record<string, string>>;
}
interface Policy {
  readonly Version: string;
  readonly Statement: Statement[];
}

const text = readFileSync(join(root, 'infra/SECURITY.md'), 'utf8');
const policies = blocksIn(text, 'json').map((block): Policy => JSON.parse(block));
const statements = policies.flatMap(({ Statement }) => Statement);
const allowing = statements.filter(({ Effect }) => Effect === 'Allow');
const rows = rowsUnder(text, 'action').map(([action = '', operations = '', resource = '']) => ({
  action: codeIn(action)[0] ?? '',
  operations: codeIn(operations).map(withoutNames),
  resource: codeIn(resource),
}));
const besides = rowsUnder(text, 'besides').flatMap(([actions = '', operations = '', resource = '']) =>
  codeIn(actions).map((action) => ({ action, operations: codeIn(operations), resource: codeIn(resource) })),
);

/** Operations that reach AWS. */
const operations = SERVICES.flatMap(({ prefix = '', operations: all }) =>
  all
    .filter(({ unsupported }) => unsupported === undefined)
    .map(({ name, group, method, template }) => ({ name, group, path: `${method} ${prefix}${template}` })),
);

/** A path, whatever its parameters are called, and whichever of mantle's two bases it has. */
function withoutNames(path: string): string {
  return path.replaceAll(/\{\w+\}/g, '{}').replace('/mantle/openai/v1/', '/mantle/v1/');
}

function listOf(value: string | string[]): string[] {
  return typeof value === 'string' ? [value] : value;
}

function isOfBedrock(action: string): boolean {
  return ACTIONS[action] !== 'another service';
}

/** Types of resource an action is checked for, by AWS's reference. */
function typesOf(action: string): readonly string[] {
  const types = ACTIONS[action];
  return types === undefined || types === 'another service' ? [] : types;
}

/** `foundation-model` of `arn:aws:bedrock:eu-west-1::foundation-model/…`, `flow-alias` of `…:flow/…/alias/…`. */
function typeOf(arn: string): string {
  const [type = '', , inner, , innermost] = arn.split(':')[5]?.split('/') ?? [];
  if (type === 'flow') return [type, innermost ?? inner].filter((part) => part !== undefined).join('-');
  return inner === 'runtime-endpoint' ? inner : type;
}

/** The actions an operation needs, by the first table. */
function actionsOf({ name, group, path }: (typeof operations)[number]): string[] {
  // Mantle has names of the runtime.
  const names = new Set([withoutNames(path), ...(group === 'mantle' ? [] : [name])]);
  return rows.filter((row) => row.operations.some((known) => names.has(known))).map(({ action }) => action);
}

describe('the table of IAM actions', () => {
  it.each(operations)('has $path', (operation) => {
    expect(actionsOf(operation).length).toBeGreaterThan(0);
  });

  it('has each action once, and only those of AWS', () => {
    expect(rows.length).toBeGreaterThan(9);
    const actions = rows.map(({ action }) => action);
    expect(actions).toStrictEqual([...new Set(actions)]);
    const all = [...actions, ...besides.map(({ action }) => action)];
    expect(new Set(all)).toStrictEqual(new Set(Object.keys(ACTIONS)));
  });

  it('names no operation that there is not, but for stored answers by their path', () => {
    const known = new Set(operations.map(({ name }) => name));
    const named = [...rows, ...besides].flatMap((row) => row.operations);
    const unknown = named.filter((name) => !name.includes(' ') && !known.has(name));
    expect(unknown).toStrictEqual([]);
  });

  // The row of InvokeModelWithResponseStream refers to the one above it.
  const withTypes = [...rows, ...besides].filter(
    ({ action }) => isOfBedrock(action) && action !== 'bedrock:InvokeModelWithResponseStream',
  );

  it.each(withTypes)('names the resources for which AWS checks $action', ({ action, resource }) => {
    const types = typesOf(action);
    const named = resource.filter((code) => code === '*' || /^[a-z-]+$/.test(code));
    expect(named.toSorted()).toStrictEqual(types.length === 0 ? ['*'] : types.toSorted());
  });
});

describe('the IAM policies', () => {
  it('are policies', () => {
    expect(policies).toHaveLength(5 + GROUPS.length - 1);
    for (const { Version, Statement } of policies) {
      expect(Version).toBe('2012-10-17');
      const sids = Statement.map(({ Sid }) => Sid);
      expect(new Set(sids).size).toBe(sids.length);
    }
    expect(statements.map(({ Sid }) => Sid).filter((sid) => !/^[A-Za-z0-9]+$/.test(sid))).toStrictEqual([]);
    expect(statements.filter(({ Effect }) => Effect !== 'Allow').map(({ Sid }) => Sid)).toStrictEqual([
      'OnlyFromTheProxy',
      'OnlyPastTheGuardrail',
    ]);
  });

  // Without white space: 2,048 inline in a user together, 6,144 in a managed policy, of which a user takes ten.
  it('are given to a user as managed ones, which all fit, with room for that of a stolen key', () => {
    const lengths = policies.map((policy) => JSON.stringify(policy).replaceAll(/\s/g, '').length);
    expect(Math.max(...lengths)).toBeLessThanOrEqual(6144);
    expect(policies.length).toBeLessThanOrEqual(10);
    const pages = [text, readFileSync(join(root, 'infra/README.md'), 'utf8')];
    for (const page of pages) {
      expect(page).not.toContain('put-user-policy');
      expect(page).toMatch(/aws iam create-policy --policy-name bedrock-proxy --policy-document file:\/\/policy\.json/);
      expect(page).toMatch(
        /aws iam attach-user-policy --user-name bedrock-proxy --policy-arn arn:aws:iam::111122223333:/,
      );
    }
  });

  it('fit into a role inline, all together', () => {
    expect(policies.map((policy) => JSON.stringify(policy)).join('').length).toBeLessThanOrEqual(10_240);
  });

  it('deny calls past a guardrail that can be ordered', () => {
    const denying = statements.find(({ Sid }) => Sid === 'OnlyPastTheGuardrail');
    const named = denying?.Condition?.['StringNotEquals']?.['bedrock:GuardrailIdentifier'] ?? '';
    expect(parseGuardrail(named)?.identifier).toMatch(/^arn:/);
    expect(denying?.Action).toStrictEqual(['bedrock:InvokeModel', 'bedrock:InvokeModelWithResponseStream']);
  });

  it('allow what AWS knows', () => {
    const unknown = allowing.flatMap(({ Action }) => listOf(Action).filter((action) => ACTIONS[action] === undefined));
    expect(unknown).toStrictEqual([]);
  });

  it.each(allowing)('allow in $Sid what its resources have', ({ Action, Resource }) => {
    const actions = listOf(Action).filter(isOfBedrock);
    const types = listOf(Resource).map(typeOf);
    const bare = actions.filter((action) => typesOf(action).length === 0);
    expect(bare.length === 0 || Resource === '*').toBe(true);
    const without = actions.filter((action) => !typesOf(action).some((type) => types.includes(type)));
    expect(Resource === '*' ? [] : without).toStrictEqual([]);
    const foreign = types.filter((type) => !actions.some((action) => typesOf(action).includes(type)));
    expect(Resource === '*' || actions.length === 0 ? [] : foreign).toStrictEqual([]);
  });

  it.each([
    ['inference', 'every model', [0]],
    ['inference', 'one profile, together with that of asynchronous calls and guardrails,', [1, 2]],
    ...GROUPS.slice(1).map((group, index) => [group, 'its group', [3 + index]] as const),
  ] as const)('of %s, %s allow every operation', (group, _name, indexes) => {
    const allowed = new Set(
      indexes.flatMap((index) => (policies[index]?.Statement ?? []).flatMap(({ Action }) => listOf(Action))),
    );
    for (const operation of operations.filter((each) => each.group === group)) {
      expect(
        actionsOf(operation).filter((action) => !allowed.has(action)),
        operation.path,
      ).toStrictEqual([]);
    }
  });

  it('bind the models of a profile to the profile', () => {
    const [profile, models] = policies[1]?.Statement ?? [];
    expect(models?.Condition?.['StringLike']?.['bedrock:InferenceProfileArn']).toBe(profile?.Resource);
    const [, id] = String(profile?.Resource).split('/');
    const names = new Set(listOf(models?.Resource ?? []).map((arn) => arn.split('/')[1]));
    expect([...names]).toStrictEqual([id?.replace(/^eu\./, '')]);
  });
});
