import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { describe, expect, it } from 'vitest';

import { circlesOf, floorsOf, forbidden, type ImportTable, roomOf } from '../support/import-rules.ts';
import { codeIn, rowsUnder } from '../support/markdown.ts';
import { root } from '../support/root.ts';
import {
  describeImport,
  type Import,
  imports,
  importsOf,
  isPackage,
  namesOf,
  sources,
  withoutComments,
} from '../support/source-imports.ts';

/** A module declares the options it takes, and `config` builds them: it knows their types. */
const ROOMS: ImportTable = {
  abortable: [],
  bounded: ['abortable', 'type clock'],
  'bounded-map': [],
  'buffer-budget': ['errors'],
  clock: [],
  errors: [],
  'gateway-headers': ['errors'],
  json: [],
  log: [],
  refreshing: ['bounded', 'clock'],
  aws: ['json', 'abortable', 'clock', 'errors'],
  callers: ['errors', 'gateway-headers', 'refreshing'],
  http: ['buffer-budget', 'clock', 'errors'],
  streams: ['errors'],
  credentials: ['type aws', 'bounded-map', 'clock', 'errors', 'refreshing'],
  budgets: ['usage', 'bounded', 'clock', 'errors', 'gateway-headers'],
  regions: ['bedrock/model-id', 'bounded-map', 'type clock', 'errors', 'gateway-headers'],
  functions: ['callers', 'http', 'type clock', 'errors', 'log'],
  usage: ['aws', 'json', 'streams'],
  bedrock: ['json', 'type streams', 'type usage', 'errors'],
  record: [
    'aws',
    'bedrock',
    'budgets/admission',
    'type callers',
    'http',
    'streams',
    'type usage',
    'type clock',
    'errors',
    'log',
  ],
  telemetry: ['type record', 'log'],
  proxy: [
    'aws',
    'bedrock',
    'budgets',
    'callers',
    'type credentials',
    'http',
    'record',
    'regions',
    'streams',
    'usage',
    'abortable',
    'buffer-budget',
    'type clock',
    'errors',
    'gateway-headers',
  ],
  config: [
    'aws/endpoint',
    'bedrock/groups',
    'bedrock/runtime',
    'bedrock/services',
    'budgets/budget',
    'type aws',
    'type bedrock',
    'type budgets',
    'type callers',
    'credentials/role',
    'credentials/session-template',
    'type credentials',
    'type http',
    'type proxy',
    'type telemetry',
  ],
};
const TABLE: ImportTable = { ...ROOMS, index: Object.keys(ROOMS) };

/** The largest part of all lines of `src` that may lie in one room. */
const LARGEST_PART = 0.2;

/** Where each package is imported; a name that ends in a slash is a room. */
const HOMES: readonly (readonly [string, RegExp, readonly string[]])[] = [
  ['@azure/functions', /^@azure\/functions$/, ['functions/handler.ts', 'index.ts']],
  ['what the worker offers', /^@azure\/functions-core$/, ['functions/library.ts']],
  ['undici', /^undici$/, ['aws/connections.ts', 'aws/preconnect.ts', 'aws/upstream.ts']],
  ['the signer', /^@aws-sdk\/signature-v4$/, ['aws/signer.ts']],
  ['the client of STS', /^@aws-sdk\/client-sts$/, ['credentials/sts.ts']],
  ['its hash', /^@aws-crypto\/sha256-js$/, ['aws/signer.ts']],
  ['the partition table', /^@aws-sdk\/util-endpoints$/, ['aws/endpoint.ts']],
  ['the codec of messages', /^@smithy\/core\/event-streams$/, ['streams/event-stream.ts']],
  ['jose', /^jose$/, ['callers/entra.ts']],
  ['Key Vault', /^@azure\/keyvault-secrets$/, ['credentials/key-vault.ts']],
  [
    'managed identity',
    /^@azure\/identity$/,
    ['budgets/table-storage.ts', 'credentials/identity.ts', 'telemetry/application-insights.ts'],
  ],
  ['Application Insights', /^@azure\/monitor-opentelemetry-exporter$/, ['telemetry/application-insights.ts']],
  ['the OTLP exporters', /^@opentelemetry\/exporter-/, ['telemetry/otlp.ts']],
  ['OpenTelemetry', /^@opentelemetry\/(?!exporter-)/, ['telemetry/']],
];

/** Modules that are bundles of their own, and who loads them: `load.ts` of their room. */
const LAZY = [
  ['budgets/table-storage.ts', 'budgets/load.ts'],
  ['callers/entra.ts', 'callers/load.ts'],
  ['credentials/azure.ts', 'credentials/load.ts'],
  ['credentials/sts.ts', 'credentials/load.ts'],
  ['telemetry/application-insights.ts', 'telemetry/load.ts'],
  ['telemetry/open-telemetry.ts', 'telemetry/load.ts'],
] as const;

const inside = imports.filter(({ target }) => !isPackage(target));

describe('this test', () => {
  it('sees every import', () => {
    expect(sources.size).toBeGreaterThan(20);
    const words = Array.from(sources.values(), withoutComments).flatMap(
      (text) => text.match(/\bfrom\s+'|\bimport\s*\(|\bimport\s+'|\brequire\s*\(/g) ?? [],
    );
    expect(imports).toHaveLength(words.length);
  });

  it('resolves every relative import to a file', () => {
    const missing = imports.filter(({ target }) => isPackage(target) && /^\.|\.ts$/.test(target));
    expect(missing.map(describeImport)).toStrictEqual([]);
  });

  it.each([
    ["import { a } from './b.ts';", 'value'],
    ["import { type A, a } from './b.ts';", 'value'],
    ["import './b.ts';", 'value'],
    ["export * from './b.ts';", 'value'],
    ["import type { A } from './b.ts';", 'type'],
    ["import { type A, type B } from './b.ts';", 'type'],
    ["const b = import('./b.ts');", 'dynamic'],
  ])('tells what is imported by %s', (text, kind) => {
    expect(importsOf('room/a.ts', text)).toStrictEqual([{ from: 'room/a.ts', target: 'room/b.ts', kind }]);
  });

  const planted = (from: string, target: string, kind: Import['kind'] = 'value'): Import => ({ from, target, kind });
  const table = { low: [], high: ['low'], types: ['type low', 'high/one'] };

  it.each([
    planted('high/a.ts', 'low.ts'),
    planted('high/a.ts', 'high/b.ts'),
    planted('types/a.ts', 'low.ts', 'type'),
    planted('types/a.ts', 'high/one.ts'),
  ])('allows $from → $target ($kind)', (allowed) => {
    expect(forbidden([allowed], table)).toStrictEqual([]);
  });

  it.each([
    planted('low.ts', 'high/a.ts', 'type'),
    planted('types/a.ts', 'low.ts'),
    planted('types/a.ts', 'low.ts', 'dynamic'),
    planted('types/a.ts', 'high/two.ts', 'type'),
    planted('new/a.ts', 'low.ts'),
  ])('forbids $from → $target ($kind)', (wrong) => {
    expect(forbidden([wrong], table)).toStrictEqual([describeImport(wrong)]);
  });

  it('finds a circle of files, and one of rooms', () => {
    const circle = [planted('a.ts', 'b.ts', 'type'), planted('b.ts', 'c.ts', 'dynamic'), planted('c.ts', 'b.ts')];
    expect(circlesOf(circle)).toStrictEqual(['b.ts → c.ts → b.ts']);
    expect([...floorsOf(table).values()]).toStrictEqual([1, 2, 3]);
    expect(() => floorsOf({ a: ['type b'], b: ['c/one'], c: ['a'] })).toThrow('a → b → c → a');
  });
});

describe('rooms', () => {
  const rooms = Map.groupBy(sources, ([path]) => roomOf(path));

  it('each has a row in the table, and each row a room', () => {
    expect([...rooms.keys()].toSorted()).toStrictEqual(Object.keys(TABLE).toSorted());
  });

  it('import what the table allows', () => {
    expect(forbidden(inside, TABLE)).toStrictEqual([]);
  });

  const each = Object.entries(ROOMS).flatMap(([room, allowed]) => allowed.map((rule) => ({ room, rule })));

  it.each(each)('$room needs its rule: $rule', ({ room, rule }) => {
    const others = ROOMS[room]?.filter((other) => other !== rule) ?? [];
    expect(forbidden(inside, { ...TABLE, [room]: others })).not.toStrictEqual([]);
    // Not the types only.
    if (rule.startsWith('type ')) return;
    expect(forbidden(inside, { ...TABLE, [room]: [...others, `type ${rule}`] })).not.toStrictEqual([]);
  });

  it('lie on floors, and no import leads up', () => {
    const floors = floorsOf(TABLE);
    const floorOf = (path: string) => floors.get(roomOf(path)) ?? 0;
    const upwards = inside.filter(
      ({ from, target }) => roomOf(from) !== roomOf(target) && floorOf(from) <= floorOf(target),
    );
    expect(upwards.map(describeImport)).toStrictEqual([]);
  });

  it('no files import each other in a circle', () => {
    expect(circlesOf(inside)).toStrictEqual([]);
  });

  it('are described in src/README.md as the table has them', () => {
    const readme = readFileSync(join(root, 'src/README.md'), 'utf8');
    const described = rowsUnder(readme, 'room').flatMap(([names = '', allowed = '']) => {
      const [values = '', types = ''] = allowed.split('types of');
      const all = allowed === 'all' ? Object.keys(ROOMS) : codeIn(values);
      const rules = [...all, ...codeIn(types).map((room) => `type ${room}`)];
      return codeIn(names).map((name): [string, string[]] => [name, rules.toSorted()]);
    });
    expect(described.map(([name]) => name).toSorted()).toStrictEqual(Object.keys(TABLE).toSorted());
    const known = Object.entries(TABLE).map(([name, rules]): [string, string[]] => [name, rules.toSorted()]);
    expect(Object.fromEntries(described)).toStrictEqual(Object.fromEntries(known));
  });

  it(`none holds more than ${100 * LARGEST_PART} % of the lines`, () => {
    const linesOf = (files: Iterable<readonly [string, string]>) =>
      Array.from(files, ([, text]) => text.split('\n').length - 1).reduce((sum, lines) => sum + lines, 0);
    const all = linesOf(sources);
    const large = [...rooms].filter(([, files]) => linesOf(files) > LARGEST_PART * all);
    expect(large.map(([room]) => room)).toStrictEqual([]);
  });

  it('each folder has its purpose in src/README.md', () => {
    const readme = readFileSync(join(root, 'src/README.md'), 'utf8');
    const folders = [...new Set([...sources.keys()].filter((path) => path.includes('/')).map(roomOf))];
    // Its name, and at least three words about it.
    const missing = folders.filter((folder) => !new RegExp(`^\\W*${folder}/\\W+(?:\\w+\\W+){2}\\w`, 'm').test(readme));
    expect(missing).toStrictEqual([]);
  });
});

describe('packages have one home', () => {
  const packages = imports.filter(({ target }) => isPackage(target) && !target.startsWith('node:'));

  it.each(HOMES)('%s', (_name, pattern, homes) => {
    const importers = packages.filter(({ target }) => pattern.test(target)).map(({ from }) => from);
    const found = importers.map((from) => homes.find((home) => home.endsWith('/') && from.startsWith(home)) ?? from);
    expect([...new Set(found)].toSorted()).toStrictEqual(homes);
  });

  it('there are no others', () => {
    const others = packages.filter(({ target }) => !HOMES.some(([, pattern]) => pattern.test(target)));
    expect(others.map(describeImport)).toStrictEqual([]);
  });

  it('only `app` is a value of @azure/functions: the package is CommonJS and shows Node no other name', () => {
    const values = [...sources.values()].flatMap((text) => {
      const clauses = text.matchAll(/^import\s+(?!type\s)([^;]*?)\s+from '@azure\/functions'/gm);
      return Array.from(clauses, ([, clause]) => namesOf(clause)).flat();
    });
    expect(values.filter((name) => !name.startsWith('type '))).toStrictEqual(['app']);
  });
});

describe('the environment', () => {
  it('is read by the configuration only', () => {
    const readers = [...sources].filter(([, text]) =>
      /\bprocess\s*(\.|\?\.|\[)\s*'?env\b|\benv\b[^;]*node:process/.test(withoutComments(text)),
    );
    expect(readers.map(([path]) => path)).toStrictEqual(['config/config.ts']);
  });
});

describe('bundles of their own', () => {
  it.each(LAZY)('%s is loaded when it is needed, by %s', (lazy, loader) => {
    const found = imports.filter(({ target, kind }) => target === lazy && kind !== 'type');
    expect(found.map(describeImport)).toStrictEqual([`${loader} → ${lazy} (dynamic)`]);
  });

  it('nothing else is loaded by import()', () => {
    const dynamic = imports.filter(({ kind }) => kind === 'dynamic').map(({ target }) => target);
    expect(dynamic.toSorted()).toStrictEqual(LAZY.map(([lazy]) => lazy));
  });

  it('no module is in two of them, where a class of it would not be the same', () => {
    const modules = ['index.ts', ...LAZY.map(([lazy]) => lazy)].flatMap((entry) => Array.from(modulesOf(entry)));
    expect(modules.toSorted()).toStrictEqual([...new Set(modules)].toSorted());
  });

  /** The modules that a bundle consists of. */
  function modulesOf(entry: string): Set<string> {
    const modules = new Set([entry]);
    for (const module of modules) {
      for (const { from, target, kind } of inside) {
        if (from === module && kind === 'value') modules.add(target);
      }
    }
    return modules;
  }
});
