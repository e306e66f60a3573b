import { describe, expect, it } from 'vitest';
import { evaluate, type PolicyRequest, type Statement } from './policy.ts';

const ROLE = 'arn:aws:iam::111122223333:role/bedrock';
const ALLOW: Statement = { Effect: 'Allow', Action: 'sts:Assume*', Resource: ROLE };

function verdict(statements: readonly Statement[], request: Partial<PolicyRequest> = {}): string {
  const policy = { Version: '2012-10-17', Statement: statements } as const;
  return evaluate(policy, { action: 'sts:AssumeRole', resource: ROLE, context: {}, ...request });
}

function when(condition: Statement['Condition'], context: PolicyRequest['context']): string {
  return verdict([condition === undefined ? ALLOW : { ...ALLOW, Condition: condition }], { context });
}

describe('policies', () => {
  it('allow what they name, and a denial wins', () => {
    expect(verdict([ALLOW])).toBe('allow');
    expect(verdict([ALLOW], { action: 'STS:assumerole' })).toBe('allow');
    expect(verdict([ALLOW], { action: 'sts:TagSession' })).toBe('none');
    expect(verdict([ALLOW], { resource: `${ROLE}2` })).toBe('none');
    expect(verdict([ALLOW, { ...ALLOW, Effect: 'Deny' }])).toBe('deny');
  });

  it('take dots for dots', () => {
    expect(verdict([{ ...ALLOW, Resource: 'a.c*' }], { resource: 'abc' })).toBe('none');
    expect(verdict([{ ...ALLOW, Resource: 'a?c*' }], { resource: 'abcd' })).toBe('allow');
  });

  it('of trust name who asks', () => {
    const trust: Statement = { Effect: 'Allow', Action: 'sts:AssumeRole', Principal: { AWS: 'arn:a' } };
    const asked = (type: 'AWS' | 'Federated', name: string): PolicyRequest => ({
      action: 'sts:AssumeRole',
      principals: { type, names: [name] },
      context: {},
    });
    const policy = { Version: '2012-10-17', Statement: [trust] } as const;
    expect(evaluate(policy, asked('AWS', 'arn:a'))).toBe('allow');
    expect(evaluate(policy, asked('AWS', 'arn:b'))).toBe('none');
    expect(evaluate(policy, asked('Federated', 'arn:a'))).toBe('none');
  });

  it.each<[string, NonNullable<Statement['Condition']>, PolicyRequest['context'], string]>([
    ['equal', { StringEquals: { 'sts:ExternalId': ['a', 'b'] } }, { 'sts:externalid': 'b' }, 'allow'],
    ['not equal', { StringEquals: { 'sts:ExternalId': 'a' } }, { 'sts:ExternalId': 'A' }, 'none'],
    ['absent', { StringEquals: { 'sts:ExternalId': 'a' } }, {}, 'none'],
    ['like', { StringLike: { 'aws:RequestTag/team': 'a*' } }, { 'aws:RequestTag/team': 'abc' }, 'allow'],
    ['two conditions', { StringEquals: { a: '1' }, StringLike: { b: '2' } }, { a: '1', b: '3' }, 'none'],
    ['all of several', { 'ForAllValues:StringEquals': { k: ['a', 'b'] } }, { k: ['a', 'b'] }, 'allow'],
    ['not all', { 'ForAllValues:StringEquals': { k: 'a' } }, { k: ['a', 'b'] }, 'none'],
    ['all of none', { 'ForAllValues:StringEquals': { k: 'a' } }, { k: [] }, 'allow'],
    ['any of several', { 'ForAnyValue:StringEquals': { k: 'a' } }, { k: ['a', 'b'] }, 'allow'],
    ['any of none', { 'ForAnyValue:StringEquals': { k: 'a' } }, {}, 'none'],
  ])('have conditions: %s', (_, condition, context, expected) => {
    expect(when(condition, context)).toBe(expected);
  });

  it('that the emulator does not know are errors', () => {
    expect(() => when({ IpAddress: { 'aws:SourceIp': '10.0.0.0/8' } }, {})).toThrow('IpAddress');
    expect(() => when({ StringEquals: { k: 'a' } }, { k: ['a', 'b'] })).toThrow('ForAllValues');
    expect(() => verdict([{ ...ALLOW, NotAction: 'x' } as Statement])).toThrow('NotAction');
  });
});
