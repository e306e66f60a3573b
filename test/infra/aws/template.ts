import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse, type CollectionTag, type ScalarTag } from 'yaml';
import { root } from '../../support/root.ts';

export const TEMPLATE = join(root, 'infra/aws/bedrock-proxy.yaml');

/** What stands for a value that a template leaves out. */
const NO_VALUE = Symbol('AWS::NoValue');

const FUNCTIONS = ['Ref', 'Condition', 'GetAtt', 'Sub', 'If', 'Join', 'Equals', 'Not', 'And', 'Or'] as const;

interface Template {
  readonly Parameters: Readonly<Record<string, Parameter>>;
  readonly Conditions: Readonly<Record<string, unknown>>;
  readonly Resources: Readonly<Record<string, Resource>>;
}

interface Parameter {
  readonly Type: string;
  readonly Default?: string | number;
  readonly AllowedPattern?: string;
}

/** A resource of the template, its functions carried out. */
export interface Resource {
  readonly Type: string;
  readonly Condition?: string;
  readonly Properties: Readonly<Record<string, unknown>>;
}

/** One kind of node for each function, `!Sub x` as `{"Fn::Sub": x}`. */
const tags = FUNCTIONS.flatMap((name): (ScalarTag | CollectionTag)[] => {
  const key = name === 'Ref' || name === 'Condition' ? name : `Fn::${name}`;
  return [
    { tag: `!${name}`, resolve: (text: string) => ({ [key]: text }) },
    { tag: `!${name}`, collection: 'seq', resolve: (list) => ({ [key]: (list as { toJSON(): unknown }).toJSON() }) },
  ];
});

const template = parse(readFileSync(TEMPLATE, 'utf8'), { customTags: tags }) as Template;

/**
 * The resources that a stack with these parameters has, as CloudFormation would make them.
 *
 * @throws Error for a parameter that the template does not have or take, and for a function that it is not made for
 */
export function renderStack(
  parameters: Readonly<Record<string, string>>,
  { accountId, partition = 'aws' }: { accountId: string; partition?: string },
): Readonly<Record<string, Resource>> {
  const pseudo = { 'AWS::AccountId': accountId, 'AWS::Partition': partition, 'AWS::NoValue': NO_VALUE };
  const values = new Map<string, unknown>(Object.entries(pseudo));
  for (const name of Object.keys(parameters)) {
    if (template.Parameters[name] === undefined) throw new Error(`The template has no parameter ${name}.`);
  }
  for (const [name, { Type, Default, AllowedPattern }] of Object.entries(template.Parameters)) {
    const value = parameters[name] ?? Default;
    if (value === undefined) throw new Error(`The parameter ${name} is missing.`);
    const list = Type === 'CommaDelimitedList' ? String(value).split(',') : [String(value)];
    if (AllowedPattern !== undefined && !list.every((one) => new RegExp(AllowedPattern).test(one))) {
      throw new Error(`The template does not take '${value}' for ${name}.`);
    }
    values.set(name, Type === 'CommaDelimitedList' ? list : String(value));
  }

  const lookUp = (name: string): unknown => {
    if (!values.has(name)) throw new Error(`The test does not know what ${name} is.`);
    return values.get(name);
  };
  const isTrue = (condition: string): boolean => Boolean(evaluate(template.Conditions[condition]));
  const text = (node: unknown): string => {
    const value = evaluate(node);
    if (typeof value !== 'string') throw new Error(`Not a text: ${JSON.stringify(node)}`);
    return value;
  };
  const substitute = (argument: unknown): string => {
    const [source, own = {}] = Array.isArray(argument) ? argument : [argument];
    return String(source).replaceAll(/\$\{([\w:]+)\}/g, (_, name: string) =>
      text(Object.hasOwn(own as object, name) ? (own as Record<string, unknown>)[name] : { Ref: name }),
    );
  };

  const functions: Readonly<Record<string, (argument: unknown) => unknown>> = {
    Ref: (name) => lookUp(String(name)),
    Condition: (name) => isTrue(String(name)),
    'Fn::Sub': substitute,
    'Fn::If': (argument) => {
      const [condition, yes, no] = argument as [string, unknown, unknown];
      return evaluate(isTrue(condition) ? yes : no);
    },
    'Fn::Join': (argument) => {
      const [separator, list] = argument as [string, unknown];
      return (evaluate(list) as string[]).join(separator);
    },
    'Fn::Equals': (argument) => {
      const [one, other] = (argument as unknown[]).map(evaluate);
      return one === other;
    },
    'Fn::Not': (argument) => (argument as unknown[]).map(evaluate)[0] !== true,
    'Fn::And': (argument) => (argument as unknown[]).every((one) => evaluate(one) === true),
    'Fn::Or': (argument) => (argument as unknown[]).some((one) => evaluate(one) === true),
  };

  function evaluate(node: unknown): unknown {
    if (Array.isArray(node)) return node.map(evaluate).filter((value) => value !== NO_VALUE);
    if (typeof node !== 'object' || node === null) return node;
    const entries = Object.entries(node);
    const [[name = '', argument] = []] = entries;
    const run = entries.length === 1 ? functions[name] : undefined;
    // A resource's own member `Condition` is a name beside others.
    if (run !== undefined && !(name === 'Condition' && typeof argument !== 'string')) return run(argument);
    if (name.startsWith('Fn::')) throw new Error(`The test does not know ${name}.`);
    return Object.fromEntries(
      entries.map(([key, value]) => [key, evaluate(value)]).filter(([, value]) => value !== NO_VALUE),
    );
  }

  return Object.fromEntries(
    Object.entries(template.Resources)
      .filter(([, { Condition }]) => Condition === undefined || isTrue(Condition))
      .map(([name, resource]) => [
        name,
        { ...resource, Properties: evaluate(resource.Properties) as Record<string, unknown> },
      ]),
  );
}
