import type { AcceptsKey } from './table-filter.ts';

export interface Entity {
  readonly partition: string;
  readonly row: string;
  readonly etag: string;
  /** With their types, as they were sent. */
  readonly columns: Readonly<Record<string, unknown>>;
}

/** Where a query goes on. */
export interface Continuation {
  readonly partition: string;
  readonly row: string;
}

export interface EntityStore {
  find(partition: string, row: string): Entity | undefined;
  put(partition: string, row: string, columns: Readonly<Record<string, unknown>>): Entity;
  /** Entities as the service sends them, in the order of their keys. @param stale as they were before their last write */
  page(
    accepts: AcceptsKey,
    size: number,
    from: Continuation | undefined,
    stale: boolean,
  ): { readonly page: readonly Record<string, unknown>[]; readonly continuation: Continuation | undefined };
  all(): readonly Entity[];
}

/** The entities of a table. */
export function createEntities(): EntityStore {
  const entities = new Map<string, { readonly now: Entity; readonly before: Entity | undefined }>();
  let tick = 0n;
  const keyOf = (partition: string, row: string) => `${partition}\0${row}`;

  return {
    find: (partition, row) => entities.get(keyOf(partition, row))?.now,
    put(partition, row, columns) {
      // A version is the time of the last write, which no two writes share.
      tick += 1n;
      const time = new Date(Number(tick) + 1_767_225_600_000).toISOString().replace('Z', '0000Z');
      const etag = `W/"datetime'${encodeURIComponent(time)}'"`;
      const key = keyOf(partition, row);
      const now = { partition, row, etag, columns };
      entities.set(key, { now, before: entities.get(key)?.now });
      return now;
    },
    page(accepts, size, from, stale) {
      const start = from === undefined ? '' : keyOf(from.partition, from.row);
      const keys = [...entities.keys()].filter((key) => key >= start).toSorted();
      const found = keys.flatMap((key) => {
        const { now, before } = entities.get(key) ?? {};
        const entity = stale ? before : now;
        return entity !== undefined && accepts(entity) ? [entity] : [];
      });
      const next = found[size];
      return {
        page: found.slice(0, size).map(sent),
        continuation: next && { partition: next.partition, row: next.row },
      };
    },
    all: () => Array.from(entities.values(), ({ now }) => now),
  };
}

function sent({ etag, partition: PartitionKey, row: RowKey, columns }: Entity): Record<string, unknown> {
  const keys = { 'odata.etag': etag, PartitionKey, RowKey, Timestamp: decodeURIComponent(etag.slice(12, -2)) };
  return Object.assign(keys, columns);
}
