import { DefaultAzureCredential, ManagedIdentityCredential, type TokenCredential } from '@azure/identity';

import { accountKey } from './keys.ts';
import type { BudgetStore, Range, Row, StoredRow } from './store.ts';

export interface TableOptions {
  /** URL of the table, for instance `https://account.table.core.windows.net/budgets`. */
  readonly uri: string;
  /** True where the platform offers a managed identity (App Service sets `IDENTITY_ENDPOINT`). */
  readonly managedIdentity: boolean;
  /** Client id of a user-assigned identity; absent: the system-assigned one. */
  readonly identityClientId?: string;
}

/** The first version that takes tokens of Entra ("Authorize with Microsoft Entra ID", Table service REST API). */
const VERSION = '2020-12-06';

const SCOPE = 'https://storage.azure.com/.default';

/** Answers without a row that only say where to go on. */
const MOST_EMPTY = 100;

/**
 * Rows in a table of Azure Storage, one an hour, account and instance: the partition is the account, and the row key
 * begins with the hour, so that a reading takes what it needs and no more. By the three calls of the REST API that are
 * needed, over Node's own `fetch`; the official client adds 218 kB and 70 ms of loading to these.
 */
export function createTableStore(options: TableOptions): BudgetStore {
  const credential = credentialOf(options);
  const table = options.uri.replace(/\/$/, '');

  const send = async (
    method: string,
    url: string,
    signal: AbortSignal,
    headers: Readonly<Record<string, string>> = {},
    body?: string,
  ): Promise<Response> => {
    const token = await credential.getToken(SCOPE, { abortSignal: signal });
    const response = await fetch(url, {
      method,
      signal,
      redirect: 'error',
      ...(body === undefined ? {} : { body }),
      headers: {
        accept: 'application/json;odata=minimalmetadata',
        authorization: `Bearer ${token?.token ?? ''}`,
        dataserviceversion: '3.0',
        maxdataserviceversion: '3.0;NetFx',
        'x-ms-date': new Date().toUTCString(),
        'x-ms-version': VERSION,
        ...headers,
      },
    });
    // Its connection is free again only when the body has been read.
    const isEmpty = response.status === 204;
    if (isEmpty || (response.ok && method === 'GET')) return response;
    const text = await response.text();
    if (response.ok) return response;
    throw refusal(response, text);
  };

  return {
    async write(row, etag, signal) {
      const inserts = etag === undefined;
      const url = inserts ? table : `${table}(PartitionKey='${accountKey(row.account)}',RowKey='${rowKey(row)}')`;
      const precondition = inserts ? { prefer: 'return-no-content' } : { 'if-match': etag };
      const headers = { 'content-type': 'application/json', ...precondition };
      try {
        const response = await send(inserts ? 'POST' : 'PUT', url, signal, headers, JSON.stringify(entityOf(row)));
        return response.headers.get('etag') ?? undefined;
      } catch (error) {
        // Another version is there: the row was made, changed or taken away.
        if (error instanceof TableError && CONFLICTS.has(error.code)) return undefined;
        throw error;
      }
    },
    async read(account, range, signal) {
      const filter = filterOf(account, range);
      let query: URLSearchParams | undefined = new URLSearchParams({ $filter: filter });
      for (let answers = 0; query !== undefined; answers += 1) {
        if (answers === MOST_EMPTY) throw new StoreError('A reading of the table does not end');
        const response = await send('GET', `${table}()?${query}`, signal);
        const { value } = (await response.json()) as { value: readonly Entity[] };
        query = continued(response.headers, filter);
        const last = value.at(-1);
        if (last === undefined) continue;
        // Not the service's own mark, which belongs to the filter: the end of the range may be another one next time.
        const next = query && String(last['RowKey']);
        if (next !== undefined && next <= range.after) throw new StoreError('A reading of the table goes backwards');
        return { rows: value.map((entity) => rowOf(entity, account)), next };
      }
      return { rows: [], next: undefined };
    },
  };
}

function credentialOf({ managedIdentity, identityClientId }: TableOptions): TokenCredential {
  const retryOptions = { maxRetries: 0 };
  if (managedIdentity) {
    return new ManagedIdentityCredential({
      ...(identityClientId === undefined ? {} : { clientId: identityClientId }),
      retryOptions,
    });
  }
  return new DefaultAzureCredential({
    retryOptions,
    ...(identityClientId === undefined ? {} : { managedIdentityClientId: identityClientId }),
  });
}

type Entity = Readonly<Record<string, unknown>>;

function rowKey({ hour, instance }: Row): string {
  return `${hour}_${instance}`;
}

function filterOf(account: string, { after, before }: Range): string {
  const end = before === undefined ? '' : ` and RowKey lt ${quoted(before)}`;
  return `PartitionKey eq ${quoted(accountKey(account))} and RowKey gt ${quoted(after)}${end}`;
}

function quoted(key: string): string {
  return `'${key.replaceAll("'", "''")}'`;
}

/** Whole numbers of 64 bits are strings in this API. */
function entityOf(row: Row): Entity {
  const columns = Object.entries(row.amounts).flatMap(([name, amount]) => [
    [name, String(amount)],
    [`${name}@odata.type`, 'Edm.Int64'],
  ]);
  return { PartitionKey: accountKey(row.account), RowKey: rowKey(row), ...Object.fromEntries(columns) };
}

function rowOf(entity: Entity, account: string): StoredRow {
  const { PartitionKey: _account, RowKey: key, Timestamp: _written, 'odata.etag': etag, ...columns } = entity;
  const [hour = '', instance = ''] = String(key).split('_', 2);
  const amounts: Record<string, number> = {};
  for (const [name, value] of Object.entries(columns)) {
    if (name.includes('odata.')) continue;
    amounts[name] = Number(value);
    if (!Number.isSafeInteger(amounts[name])) throw new StoreError(`A row of the table has no good ${name}`);
  }
  return { account, hour, instance, amounts, etag: String(etag) };
}

function continued(headers: Headers, filter: string): URLSearchParams | undefined {
  const partition = headers.get('x-ms-continuation-nextpartitionkey');
  if (partition === null) return undefined;
  const row = headers.get('x-ms-continuation-nextrowkey');
  return new URLSearchParams({
    $filter: filter,
    NextPartitionKey: partition,
    ...(row === null ? {} : { NextRowKey: row }),
  });
}

const CONFLICTS = new Set(['EntityAlreadyExists', 'UpdateConditionNotSatisfied', 'ResourceNotFound', 'EntityNotFound']);

/** The store has refused, or could not be asked. The message holds no token. */
class StoreError extends Error {
  override readonly name = 'StoreError';
}

/** A refusal of the service with its code, for instance `TableNotFound`. */
class TableError extends StoreError {
  readonly code: string;
  readonly retryAfterSeconds: number | undefined;

  constructor(status: number, code: string, retryAfterSeconds: number | undefined) {
    super(`The table has answered ${status} ${code}`);
    this.code = code;
    this.retryAfterSeconds = retryAfterSeconds;
  }
}

/** The body is looked at for its code alone: its text may name who asked. */
function refusal({ status, headers }: Response, body: string): TableError {
  const code = headers.get('x-ms-error-code') ?? /"code":\s*"(\w+)"/.exec(body)?.[1] ?? '';
  const after = headers.get('retry-after') ?? '';
  return new TableError(status, code, /^\d{1,4}$/.test(after) ? Number(after) : undefined);
}
