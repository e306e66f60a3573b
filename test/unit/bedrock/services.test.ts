import { describe, expect, it } from 'vitest';

import { GROUPS, USUAL_GROUPS } from '../../../src/bedrock/groups.ts';
import type { Operation, Service } from '../../../src/bedrock/service.ts';
import { SERVICES } from '../../../src/bedrock/services.ts';
import { MODELS, type ModelledOperation } from '../../support/aws-models.ts';
import { LEFT_OUT } from './left-out.ts';

const rows = SERVICES.flatMap((service) =>
  service.operations.map((operation) => ({ service, operation, ...operation })),
);
const modelled = rows.flatMap(({ service, operation }) => {
  const model = MODELS[service.hostPrefix]?.find(({ name }) => name === operation.name);
  return model === undefined ? [] : [{ name: operation.name, operation, model }];
});
const unmodelled = rows.filter(({ name }) => !modelled.some((each) => each.name === name) || name === 'ListModels');

/** A path, whatever its labels are called: ours tell which of them is a model that works. */
function shapeOf(template: string): string {
  return template.replaceAll(/\{\w+\}/g, '{}');
}

function withoutRows({ hostPrefix, operations }: Service): readonly ModelledOperation[] {
  const names = new Set(operations.map(({ name }) => name));
  return (MODELS[hostPrefix] ?? []).filter(({ name }) => !names.has(name));
}

describe("the rows that AWS's API models have", () => {
  it.each(modelled)('$name has its method, path and query parameters', ({ operation, model }) => {
    const { method, template, query = [] } = operation;
    expect({ method, template: shapeOf(template), query }).toStrictEqual({
      method: model.method,
      template: shapeOf(model.template),
      query: model.query,
    });
    // A parameter that may be repeated would be refused the second time.
    expect(model.queryLists).toStrictEqual([]);
  });

  it.each(modelled)('$name tells the failure of an event stream by an exception that its model has', (row) => {
    const { streamException } = row.operation;
    // Bidirectional streams do not pass.
    const events = row.operation.unsupported === undefined ? row.model.events : undefined;
    const exception = streamException ?? (row.operation.group === 'inference' ? 'modelStreamErrorException' : '');
    expect(streamException !== undefined && events === undefined).toBe(false);
    if (events === undefined) return;
    expect(events).toContain(exception);
    expect(events).toContain('internalServerException');
    // Answers of another status are not cut into messages.
    expect(row.model.status).toBe(200);
  });
});

describe("what AWS's clients have beside", () => {
  it.each(Object.entries(LEFT_OUT))('is left out of %s: $reason', (hostPrefix, { operations }) => {
    const service = SERVICES.find((each) => each.hostPrefix === hostPrefix);
    const names = (service === undefined ? [] : withoutRows(service)).map(({ name }) => name);
    expect(names.toSorted()).toStrictEqual(operations.split(/\s+/).filter((name) => name !== ''));
  });

  it('is told of every service that has a client', () => {
    expect(Object.keys(LEFT_OUT)).toStrictEqual(Object.keys(MODELS));
  });
});

describe('the other rows', () => {
  it('are routes in the form of OpenAI or Anthropic, whose query is their own', () => {
    expect(unmodelled.length).toBeGreaterThan(15);
    for (const { name, template, query } of unmodelled) {
      expect(template, name).toMatch(/^\/(?:openai\/v1|anthropic\/v1|v1)\//);
      expect(query, name).toBe('any');
    }
  });
});

describe('every row', () => {
  it.each(rows)(
    '$name has its model in one place, if at all',
    ({ template, modelMember, nestedModels, hiddenModel }) => {
      const places = [template.includes('{modelId}'), modelMember, nestedModels, hiddenModel].filter(
        (place) => place !== undefined && place !== false,
      );
      expect(places.length).toBeLessThan(2);
    },
  );

  it.each(rows)('$name has a model when it uses tokens, and is metered when its model decides', (row) => {
    const { metering, template, modelMember, nestedModels, hiddenModel } = row;
    const names = template.includes('{modelId}') || modelMember !== undefined || nestedModels !== undefined;
    const spends = metering === 'untold' || metering === 'used';
    expect(spends && !names && hiddenModel !== true).toBe(false);
    expect((hiddenModel === true || nestedModels !== undefined) && metering !== 'untold').toBe(false);
  });

  it('has a path of its own, whatever service it is of', () => {
    const paths = rows.map(({ service, method, template }) => `${method} ${service.prefix ?? ''}${shapeOf(template)}`);
    expect(new Set(paths).size).toBe(paths.length);
  });

  it('of two that begin alike the longer comes first', () => {
    const inOrder = SERVICES.flatMap(({ operations }) => operations.map((row, index) => ({ row, index, operations })));
    const hidden = inOrder.filter(({ row, index, operations }) =>
      operations.slice(0, index).some((before) => before.method === row.method && mayBe(before, row)),
    );
    expect(hidden.map(({ row }) => row.name)).toStrictEqual([]);
  });
});

/** Whether a path of the one could be read as a path of the other, whose last label takes what is left. */
function mayBe({ template }: Operation, { template: longer }: Operation): boolean {
  const [head = '', tail = ''] = [
    template.slice(0, template.indexOf('{')),
    template.slice(template.lastIndexOf('}') + 1),
  ];
  if (!template.includes('{') || longer.length <= template.length) return false;
  return (
    longer.startsWith(head) && longer.endsWith(tail) && literalsOf(template).every((each) => longer.includes(each))
  );
}

function literalsOf(template: string): string[] {
  return template.split(/\{\w+\}/).filter((literal) => literal !== '');
}

describe('the groups', () => {
  it('are all used, and each belongs to one service', () => {
    for (const group of GROUPS) {
      const services = SERVICES.filter(({ operations }) => operations.some((row) => row.group === group));
      expect(services.length, group).toBe(1);
    }
  });

  it('of which those that are on by themselves write nothing and act nowhere', () => {
    expect(USUAL_GROUPS).toStrictEqual(['inference', 'discovery']);
    const reads = rows.filter(({ group }) => group === 'discovery').map(({ method }) => method);
    expect(new Set(reads)).toStrictEqual(new Set(['GET']));
  });
});
