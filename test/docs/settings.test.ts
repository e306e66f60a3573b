import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { describe, expect, it } from 'vitest';

import { type Config, readConfig } from '../../src/config/config.ts';
import { type Environment, SETTINGS } from '../../src/config/settings.ts';
import { root } from '../support/root.ts';
import { rowsUnder } from '../support/markdown.ts';

/** One setting as `src/config/README.md` describes it. */
interface Row {
  readonly name: string;
  /** Undefined: none, or required. */
  readonly fallback: string | undefined;
  readonly required: boolean;
  readonly least: number | undefined;
  readonly most: number | undefined;
}

const text = readFileSync(join(root, 'src/config/README.md'), 'utf8');
const rows = rowsUnder(text, 'name').flatMap(([names = '', fallback = '', range = '']): Row[] =>
  Array.from(names.matchAll(/`([^`]+)`/g), ([, name = '']) => ({
    name,
    fallback: /^`?([^`–]+)`?$/.exec(fallback.replace('required', ''))?.[1],
    required: fallback === 'required',
    least: range === '' ? undefined : Number(/^(\d+) to \d+$/.exec(range)?.[1]),
    most: range === '' ? undefined : Number(/^\d+ to (\d+)$/.exec(range)?.[1]),
  })),
);

/** Every part of the configuration is there, so that every setting has a place to show. */
const COMPLETE: Environment = {
  AWS_REGION: 'eu-central-1',
  KEY_VAULT_URI: 'https://kv.vault.azure.net',
  CALLER_AUTH: 'entra',
  ENTRA_TENANT_ID: '11111111-2222-3333-4444-555555555555',
  ENTRA_AUDIENCE: 'api://proxy',
  ENTRA_ALLOWED_CALLERS: '66666666-7777-8888-9999-000000000000',
  OTEL_EXPORTER_OTLP_ENDPOINT: 'https://otlp.example',
};

/** Another good value of the settings that are no numbers. */
const OTHER: Environment = {
  AWS_CREDENTIALS_SECRET_NAME: 'other',
  CALLER_AUTH: 'entra',
  CALLER_NAMES: 'none',
  ENTRA_AUTHORITY: 'https://login.example',
  OPERATIONS: 'inference',
  REQUEST_METADATA: 'true',
  AWS_ROLE_SESSION_NAME: '{subscriptionId}',
  AWS_USE_FIPS_ENDPOINT: 'true',
  BUDGET_MODE: 'observe',
  BUDGET_ON_STORE_FAILURE: 'refuse',
  OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json',
};

function configWith(name: string, value: string): Config {
  return readConfig({ ...COMPLETE, [name]: value });
}

function problemsWith(name: string, value: string): string {
  try {
    return configWith(name, value).telemetryProblems.join('; ');
  } catch (error) {
    return String(error);
  }
}

describe('the table of settings', () => {
  it('names every setting, once, and no other', () => {
    expect(rows.length).toBeGreaterThan(30);
    expect(rows.map(({ name }) => name).toSorted()).toStrictEqual(SETTINGS.toSorted());
  });

  const withDefault = rows.flatMap(({ name, fallback }) => (fallback === undefined ? [] : [{ name, fallback }]));

  it.each(withDefault)('says what $name is when it is absent: $fallback', ({ name, fallback }) => {
    expect(configWith(name, fallback)).toStrictEqual(configWith(name, ''));
    const other = OTHER[name] ?? String(Number(fallback) - 1);
    expect(configWith(name, other)).not.toStrictEqual(configWith(name, ''));
  });

  it('gives every number that has a default its default', () => {
    const numbers = rows.filter(({ most }) => most !== undefined);
    expect(numbers.length).toBeGreaterThan(9);
    const without = numbers.filter(({ fallback }) => fallback === undefined).map(({ name }) => name);
    for (const name of without) expect(configWith(name, '1'), name).not.toStrictEqual(configWith(name, ''));
  });

  it.each(rows.filter(({ most }) => most !== undefined))('says what $name may be', ({ name, least, most }) => {
    expect(problemsWith(name, '0')).toContain(
      `${name} must be a whole number from ${String(least)} to ${String(most)}`,
    );
  });

  it('gives a range to every number, and to nothing else', () => {
    for (const { name, most } of rows) {
      const isNumber = /must be a whole number/.test(problemsWith(name, 'x'));
      expect(most !== undefined, name).toBe(isNumber);
    }
  });

  it('says which are required', () => {
    const missing = rows.filter(({ name }) => problemsWith(name, '').includes(`${name} is missing`));
    const byEntra = missing.filter(({ name }) => name.startsWith('ENTRA_')).map(({ name }) => name);
    expect(byEntra).toStrictEqual(['ENTRA_TENANT_ID', 'ENTRA_AUDIENCE', 'ENTRA_ALLOWED_CALLERS']);
    const required = missing.filter(({ name }) => name === 'AWS_REGION').map(({ name }) => name);
    expect(rows.filter((row) => row.required).map(({ name }) => name)).toStrictEqual(required);
  });

  it('has the same names and defaults as the example of local settings', () => {
    const example: Record<string, string> = JSON.parse(
      readFileSync(join(root, 'local.settings.json.example'), 'utf8'),
    ).Values;
    for (const { name, fallback } of rows) {
      if (name === 'IDENTITY_ENDPOINT' || name === 'ENTRA_AUTHORITY' || name === 'AWS_REGION') continue;
      expect(example[name], name).toBe(fallback ?? '');
    }
  });
});
