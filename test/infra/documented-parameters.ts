import { glob, readFile } from 'node:fs/promises';
import { join } from 'node:path';

import { root } from '../support/root.ts';

/** A value that a page gives a parameter. */
export interface Example {
  readonly page: string;
  readonly parameter: string;
  /** As it stands there, without quotes. */
  readonly value: string;
}

/** Every value of a parameter in the pages: in `azd env set`, and in code that says `VARIABLE=value`. */
export async function documentedParameters(): Promise<Example[]> {
  const file = JSON.parse(await readFile(join(root, 'infra/main.parameters.json'), 'utf8')) as {
    parameters: Record<string, { value: string }>;
  };
  const parameters = new Map(Object.entries(file.parameters).map(([name, { value }]) => [value.slice(2, -1), name]));
  const pages = ['README.md', ...(await Array.fromAsync(glob('{infra,src}/**/*.md', { cwd: root })))];
  const found: Example[] = [];
  for (const page of pages.toSorted()) {
    const text = await readFile(join(root, page), 'utf8');
    for (const [, set, setTo, code, codeIs] of text.matchAll(EXAMPLE)) {
      const parameter = parameters.get(set ?? code ?? '');
      const value = filledIn((setTo ?? codeIs ?? '').replaceAll(/^'|'$/g, ''));
      if (parameter !== undefined) found.push({ page, parameter, value });
    }
  }
  return found;
}

const EXAMPLE = /azd env set (\w+) ('[^'\n]*'|[^\s`&]+)|`(\w+)=('[^'`\n]*'|[^\s`]+)`/g;

const SUBSCRIPTION = '/subscriptions/00000000-0000-0000-0000-000000000004/resourceGroups/rg/providers';

/** With something in the place of what the reader has to know. */
function filledIn(value: string): string {
  if (value === '…') return 'eu-west-1';
  return value
    .replace('<FUNCTION_APP_ID of the other>', `${SUBSCRIPTION}/Microsoft.Web/sites/func-other`)
    .replace('<region>', 'westeurope')
    .replace('/subscriptions/…/virtualNetworks', `${SUBSCRIPTION}/Microsoft.Network/virtualNetworks`)
    .replace('/subscriptions/…', `${SUBSCRIPTION}/Microsoft.Network/privateDnsZones/privatelink.vaultcore.azure.net`);
}

/** The value as azd hands it over to a parameter of this type: Bicep for a parameter file. */
export function literal(value: string, type: string): string {
  if (type === 'string') return `'${value.replaceAll(/['\\$]/g, String.raw`\$&`)}'`;
  if (type === 'int' || type === 'bool') return value;
  JSON.parse(value);
  return `json('${value.replaceAll(/['\\$]/g, String.raw`\$&`)}')`;
}

/** Each parameter once in a batch, so that all values are in one: the second of a parameter is in the second batch. */
export function batchesOf(examples: readonly Example[]): ReadonlyMap<string, string>[] {
  const batches: Map<string, string>[] = [];
  for (const [parameter, all] of Map.groupBy(examples, (example) => example.parameter)) {
    for (const [index, value] of [...new Set(all.map((example) => example.value))].entries()) {
      (batches[index] ??= new Map<string, string>()).set(parameter, value);
    }
  }
  return batches;
}
