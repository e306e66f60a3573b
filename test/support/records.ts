import type { FunctionsHost } from '../emulators/functions-host/host.ts';
import type { LogLine } from '../emulators/functions-host/log.ts';

/** A line of the log with the event `bedrock.request`. */
export type RequestRecord = Readonly<Record<string, unknown>>;

/** Members by which a record tells how a call ended, and what is known of its tokens. */
const END = [
  'status',
  'outcome',
  'errorType',
  'errorSource',
  'attempts',
  'credentialsRefreshed',
  'usageUnknown',
  'usagePartial',
];

/** How a call ended, by its record: just what it says of that, and `tokens`, the kinds that it knows. */
export function endOf(record: RequestRecord): Record<string, unknown> {
  const told = END.filter((name) => record[name] !== undefined).map((name) => [name, record[name]]);
  const tokens = Object.keys(record).filter((name) => /^(input|output|total)Tokens$/.test(name));
  return { ...Object.fromEntries(told), ...(tokens.length > 0 && { tokens: tokens.toSorted() }) };
}

/** All records so far, in the order in which the calls ended. */
export function recordsOf(host: FunctionsHost): RequestRecord[] {
  return host.logs.map(recordIn).filter((record) => record !== undefined);
}

/** Calls `listener` with every record from now on; returns the unsubscription. */
export function onRecord(host: FunctionsHost, listener: (record: RequestRecord) => void): () => void {
  return host.onLog((line) => {
    const record = recordIn(line);
    if (record !== undefined) listener(record);
  });
}

/** The first record that matches, as soon as it is there. */
export function nextRecord(host: FunctionsHost, matches: (record: RequestRecord) => boolean): Promise<RequestRecord> {
  return new Promise((resolve) => {
    const stop = onRecord(host, (record) => {
      if (!matches(record)) return;
      stop();
      resolve(record);
    });
    const found = recordsOf(host).find(matches);
    if (found === undefined) return;
    stop();
    resolve(found);
  });
}

function recordIn({ message }: LogLine): RequestRecord | undefined {
  if (!message.startsWith('{"event":"bedrock.request"')) return undefined;
  return JSON.parse(message) as RequestRecord;
}
