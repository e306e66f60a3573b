/**
 * What the host and its worker tell each other, over the IPC channel of `child_process.fork`; it stands in for the gRPC
 * stream `FunctionRpc.EventStream` of azure-functions-language-worker-protobuf, whose names it keeps where it can.
 */

/** A value of `triggerMetadata`: text as it was sent, or JSON text of something structured. */
export type RpcData = { string: string } | { json: string };

export type LogLevel = 'trace' | 'debug' | 'information' | 'warning' | 'error' | 'critical' | 'none';

/** An HTTP function as the app registered it. */
export interface HttpFunction {
  name: string;
  /** Route template without the prefix; absent means the function's name. */
  route?: string;
  methods: string[];
  authLevel: string;
}

export interface InvocationRequest {
  type: 'invocationRequest';
  invocationId: string;
  functionName: string;
  triggerMetadata: Record<string, RpcData>;
  traceParent: string;
  traceState?: string;
}

export type ToWorker = InvocationRequest | { type: 'workerStatusRequest' } | { type: 'workerTerminate' };

export interface RpcError {
  message: string;
  stack: string;
}

/** Memory in bytes; processor time of the process since its start. */
export interface WorkerUsage {
  rss: number;
  heapUsed: number;
  cpuMicroseconds: number;
}

export type FromWorker =
  | { type: 'started'; httpUri?: string; functions: HttpFunction[] }
  | { type: 'failed'; error: RpcError }
  | { type: 'invocationResponse'; invocationId: string; error?: RpcError }
  | { type: 'workerStatusResponse'; usage: WorkerUsage }
  | {
      type: 'log';
      level: LogLevel;
      message: string;
      /** Written by the function's code; otherwise by the library. */
      user: boolean;
      /** Absent outside an invocation. */
      invocationId?: string;
      functionName?: string;
    };
