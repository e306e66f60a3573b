import * as client from '@aws-sdk/client-bedrock-runtime';
import { describe, expect, it } from 'vitest';

import { RUNTIME } from '../../../src/bedrock/runtime.ts';
import type { Operation } from '../../../src/bedrock/service.ts';

/** Kind of the schema of an operation, as Smithy's clients number them. */
const OPERATION = 9;

/** From here on a simple schema is one of lists or maps. */
const LIST = 64;

interface ModelOperation {
  readonly name: string;
  readonly method: string;
  readonly template: string;
  readonly query: readonly string[];
}

/** The operations of AWS's own client, by what it was made of. */
const modelled = Object.values(client as Record<string, unknown>)
  .filter((schema): schema is readonly unknown[] => Array.isArray(schema) && schema[0] === OPERATION)
  .map(([, , name, traits, input]): ModelOperation => {
    const { http } = traits as { http: readonly [string, string, number] };
    const members = ((input as () => readonly unknown[])()[5] ?? []) as readonly unknown[];
    return { name: String(name), method: http[0], template: http[1], query: members.flatMap(queryName) };
  });

/** The query parameter that a member of an input is sent as. Throws for a list, which could be sent several times. */
function queryName(member: unknown): string[] {
  const [schema, traits] = Array.isArray(member) ? (member as unknown[]) : [member];
  const { httpQuery, httpQueryParams } = (typeof traits === 'object' ? { ...traits } : {}) as Record<string, unknown>;
  if (httpQueryParams !== undefined) throw new Error('a map of query parameters');
  if (httpQuery === undefined) return [];
  if (typeof schema !== 'number' || schema >= LIST) throw new Error(`${String(httpQuery)} may be sent several times`);
  return [String(httpQuery)];
}

/** Routes of the same host that the model does not hold. */
const isShaped = ({ template }: Operation) => /^\/(?:openai|anthropic)\//.test(template);

describe('the table of Bedrock runtime', () => {
  it("holds all operations of AWS's API model, with their methods, paths and query parameters", () => {
    const rows = RUNTIME.operations
      .filter((operation) => !isShaped(operation))
      .map(({ name, method, template, query = [] }) => ({ name, method, template, query }));
    const byName = (one: { name: string }, other: { name: string }) => one.name.localeCompare(other.name);
    expect(modelled.length).toBeGreaterThan(10);
    expect(rows.toSorted(byName)).toStrictEqual(modelled.toSorted(byName));
  });

  it.each(RUNTIME.operations.filter(isShaped))('$name is of no API model: its query is its own', ({ query }) => {
    expect(query).toBe('any');
  });

  it.each(RUNTIME.operations)('$name has its model in one place, if at all', ({ template, modelMember }) => {
    expect(template.includes('{modelId}') && modelMember !== undefined).toBe(false);
  });
});
