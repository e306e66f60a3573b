import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

import { describe, expect, it } from 'vitest';

import { GROUPS, type OperationGroup, USUAL_GROUPS } from '../../src/bedrock/groups.ts';
import { SERVICES } from '../../src/bedrock/services.ts';
import { at, type Expansion, type Expansions, ofType, SUBSCRIPTION } from './expand.ts';
import { root } from '../support/root.ts';

/** What is put into API Management. */
export function checkGateway(read: () => Expansions): void {
  describe('gateway', () => {
    const policyOf = (expansion: Expansion) =>
      at(ofType(expansion, 'Microsoft.ApiManagement/service/apis/policies')[0], 'properties', 'value') as string;
    const prefixOf = (name: string) => (name === 'pool' ? 'claims-bedrock' : 'bedrock');
    const sorted = (names: Iterable<string>) => [...names].toSorted();
    const statement = '<authentication-managed-identity resource="{{bedrock-proxy-audience}}" />';

    it('leaves an existing instance as it is, and makes a new one that streams and speaks HTTP/2', () => {
      const { existing, created, vnet, functionKey, pool } = read();
      const type = 'Microsoft.ApiManagement/service';
      for (const expansion of [existing, vnet, functionKey, pool]) expect(ofType(expansion, type)).toEqual([]);
      expect(ofType(created, type)).toMatchObject([
        {
          sku: { name: 'BasicV2', capacity: 1 },
          identity: { type: 'SystemAssigned' },
          properties: {
            customProperties: { 'Microsoft.WindowsAzure.ApiManagement.Gateway.Protocols.Server.Http2': 'True' },
          },
        },
      ]);
    });

    it('puts the API into the resource group and subscription of the instance', () => {
      const { existing } = read();
      const gateway = '/subscriptions/00000000-0000-0000-0000-000000000003/resourceGroups/rg-gateway/providers/';
      const own = `/subscriptions/${SUBSCRIPTION}/resourceGroups/rg-Production`;
      for (const { id, type } of existing.predictedResources) {
        expect(id).toContain(type.startsWith('Microsoft.ApiManagement/') ? gateway : own);
      }
    });

    it('loads the policy file as it is, but for how the function knows the gateway', async () => {
      const { existing, created, vnet, functionKey, pool } = read();
      const file = await readFile(join(root, 'infra/gateway/policies/bedrock.xml'), 'utf8');
      expect(file.split(statement)).toHaveLength(2);
      const own =
        '<authentication-managed-identity resource="{{bedrock-proxy-audience}}" client-id="{{bedrock-proxy-identity}}" />';
      for (const expansion of [existing, created, vnet]) expect(policyOf(expansion)).toBe(file);
      expect(policyOf(functionKey)).toBe(file.replace(statement, ''));
      expect(policyOf(pool)).toBe(
        file
          .replace(statement, own)
          .replaceAll('{{bedrock-', '{{claims-bedrock-')
          .replace('backend-id="bedrock-proxy"', 'backend-id="claims-bedrock-proxy-pool"'),
      );
      expect(ofType(existing, 'Microsoft.ApiManagement/service/apis/policies')[0]).toMatchObject({
        properties: { format: 'rawxml' },
      });
    });

    it('defines every named value and backend that policy and backends refer to, and no other', () => {
      for (const [name, expansion] of Object.entries(read())) {
        const backends = ofType(expansion, 'Microsoft.ApiManagement/service/backends');
        const references = `${policyOf(expansion)}${JSON.stringify(backends)}`.matchAll(/\{\{([\w-]+)\}\}/g);
        const named = ofType(expansion, 'Microsoft.ApiManagement/service/namedValues');
        const owner = `${prefixOf(name)}-owner`;
        expect(sorted(named.map((value) => value.name.split('/').at(-1) ?? '')), name).toEqual(
          sorted(new Set([owner, ...Array.from(references, ([, reference]) => reference ?? '')])),
        );
        const chosen = Array.from(policyOf(expansion).matchAll(/backend-id="([\w-]+)"/g), ([, id]) => id);
        expect(chosen, name).toEqual([`${prefixOf(name)}-proxy${name === 'pool' ? '-pool' : ''}`]);
        expect(
          backends.map((backend) => backend.name.split('/')[1]),
          name,
        ).toContain(chosen[0]);
      }
    });

    it('begins every name in the instance with the prefix, so that environments do not share one', () => {
      for (const [name, { predictedResources }] of Object.entries(read())) {
        // Of the whole instance, and left as it is where it is there.
        const shared = new Set(['azuremonitor']);
        const names = predictedResources
          .filter(({ type }) => /^Microsoft\.ApiManagement\/service\/\w+$/.test(type))
          .map((resource) => resource.name.split('/')[1] ?? '')
          .filter((own) => !shared.has(own));
        expect(names.length).toBeGreaterThan(5);
        for (const own of names) expect(own, name).toMatch(new RegExp(`^${prefixOf(name)}(-|$)`));
      }
      const policy = policyOf(read().pool).replaceAll(/<!--.*?-->/gs, '');
      expect(policy).toContain('"{{claims-bedrock-max-request-bytes}}"');
      expect(policy).not.toMatch(/\{\{bedrock-|"bedrock-proxy"/);
    });

    it('writes down whose the API is, and stops when it is of another app', () => {
      const { existing } = read();
      const owner = ofType(existing, 'Microsoft.ApiManagement/service/namedValues').find(({ name }) =>
        name.endsWith('/bedrock-owner'),
      );
      expect(owner).toMatchObject({
        properties: { value: expect.stringMatching(/functionApp.*\.outputs\.id\.value\]$/) },
      });
      // The backend is that of the app only where the owner that is written down is the app.
      const [backend] = ofType(existing, 'Microsoft.ApiManagement/service/backends');
      expect(at(backend, 'properties', 'resourceId')).toMatch(
        /if\(equals\(toLower\(reference\(.*'owner-.*\.outputs\.functionAppId\.value\), toLower\(.*fail\(format\('The API/,
      );
    });

    it.each<['existing' | 'pool', readonly OperationGroup[]]>([
      ['existing', USUAL_GROUPS],
      ['pool', GROUPS],
    ])('has an operation for every operation of the groups that are on, and no catch-all: %s', (name, groups) => {
      const operations = ofType(read()[name], 'Microsoft.ApiManagement/service/apis/operations').map(
        ({ properties }) => properties as { method: string; urlTemplate: string },
      );
      const covering = (method: string, path: string) =>
        operations.filter(
          ({ method: own, urlTemplate }) =>
            own === method &&
            (urlTemplate.endsWith('/*') ? path.startsWith(urlTemplate.slice(0, -1)) : path === urlTemplate),
        );
      const wanted = [
        ...SERVICES.flatMap(({ prefix = '', operations: rows }) =>
          rows
            .filter(({ group }) => groups.includes(group))
            .map(({ method, template }) => ({ method, template: prefix + template })),
        ),
        { method: 'GET', template: '/health' },
        { method: 'GET', template: '/usage' },
      ];
      for (const { method, template } of wanted) expect(covering(method, template), template).toHaveLength(1);
      const used = new Set(wanted.flatMap(({ method, template }) => covering(method, template)));
      expect(used.size).toBe(operations.length);
      expect(operations.map(({ urlTemplate }) => urlTemplate)).not.toContain('/*');
    });

    it('takes the subscription key from api-key, and as a bearer token unless told not to', () => {
      const { existing, functionKey } = read();
      const apiOf = (expansion: Expansion) => ofType(expansion, 'Microsoft.ApiManagement/service/apis')[0];
      expect(at(apiOf(existing), 'properties')).toMatchObject({
        path: 'bedrock',
        protocols: ['https'],
        subscriptionRequired: true,
        subscriptionKeyParameterNames: { header: 'api-key', query: 'api-key', bearer: 'enabled' },
      });
      expect(at(apiOf(functionKey), 'properties', 'subscriptionKeyParameterNames')).toEqual({
        header: 'api-key',
        query: 'api-key',
      });
      // No published type has the property. The preview versions are known to take it; a stable one may drop it.
      expect(apiOf(existing)?.['apiVersion']).toBe('2025-03-01-preview');
      expect(apiOf(functionKey)?.['apiVersion']).toBe('2024-05-01');
      const [product] = ofType(existing, 'Microsoft.ApiManagement/service/products');
      expect(product).toMatchObject({
        properties: { subscriptionRequired: true, approvalRequired: true, state: 'published' },
      });
      expect(at(ofType(existing, 'Microsoft.ApiManagement/service/products/apiLinks')[0], 'properties', 'apiId')).toBe(
        apiOf(existing)?.id,
      );
    });

    it('logs no body and no header, and no key in a query, in both kinds of diagnostics', () => {
      const { existing } = read();
      for (const [name, expansion] of Object.entries(read())) {
        const diagnostics = ofType(expansion, 'Microsoft.ApiManagement/service/apis/diagnostics');
        expect(
          diagnostics.map((diagnostic) => diagnostic.name.split('/').at(-1)),
          name,
        ).toEqual(['applicationinsights', 'azuremonitor']);
        const silent = { headers: [], body: { bytes: 0 } };
        const masked = (value: string) => ({ value, mode: 'Mask' });
        const dataMasking = { queryParams: [masked('api-key'), masked('subscription-key'), masked('code')] };
        for (const diagnostic of diagnostics) {
          const side = { request: { ...silent, dataMasking }, response: silent };
          expect(at(diagnostic, 'properties', 'frontend'), name).toEqual(side);
          expect(at(diagnostic, 'properties', 'backend'), name).toEqual(side);
        }
      }
      const [logger] = ofType(existing, 'Microsoft.ApiManagement/service/loggers');
      expect(at(logger, 'properties', 'credentials', 'identityClientId')).toBe('SystemAssigned');
    });

    it('spreads calls by priority and weight', () => {
      const [, , pool] = ofType(read().pool, 'Microsoft.ApiManagement/service/backends');
      expect(at(pool, 'properties', 'pool', 'services')).toMatchObject([
        { priority: 1, weight: 3 },
        { priority: 2, weight: 1 },
      ]);
    });

    it('leaves a logger of the whole instance as it is', async () => {
      const file = await readFile(join(root, 'infra/gateway/diagnostics.bicep'), 'utf8');
      expect(file).toMatch(/@onlyIfNotExists\(\)\nresource monitorLogger /);
    });

    it('breaks the circuit on an app that cannot be reached, and only where another one can take over', () => {
      const { existing, pool } = read();
      const backendsOf = (expansion: Expansion) =>
        ofType(expansion, 'Microsoft.ApiManagement/service/backends').map((backend) => ({
          name: backend.name.split('/')[1],
          type: at(backend, 'properties', 'type'),
          circuitBreaker: at(backend, 'properties', 'circuitBreaker') ?? null,
        }));
      const rules = [
        {
          name: 'unreachable',
          failureCondition: {
            count: 5,
            interval: 'PT1M',
            statusCodeRanges: [
              { min: 502, max: 502 },
              { min: 504, max: 504 },
            ],
            errorReasons: ['BackendConnectionFailure'],
          },
          tripDuration: 'PT30S',
          acceptRetryAfter: false,
        },
      ];
      expect(backendsOf(existing)).toEqual([{ name: 'bedrock-proxy', type: 'Single', circuitBreaker: null }]);
      expect(backendsOf(pool)).toEqual([
        { name: 'claims-bedrock-proxy', type: 'Single', circuitBreaker: { rules } },
        { name: 'claims-bedrock-proxy-1', type: 'Single', circuitBreaker: { rules } },
        { name: 'claims-bedrock-proxy-pool', type: 'Pool', circuitBreaker: null },
      ]);
    });
  });
}
