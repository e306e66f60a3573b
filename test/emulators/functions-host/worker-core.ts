import Module from 'node:module';
import type { LogLevel, RpcData } from './messages.ts';

/**
 * The module `@azure/functions-core`, which exists on no registry: the worker of the Functions host answers for it when
 * the library calls `require` (azure-functions-nodejs-worker, `setupCoreModule`). Only what @azure/functions 4 uses.
 */

export interface Binding {
  type: string;
  direction: 'in' | 'out';
  route?: string;
  methods?: string[];
  authLevel?: string;
}

export interface FunctionMetadata {
  name: string;
  bindings: Record<string, Binding>;
}

type Callback = (...args: unknown[]) => unknown;
type HookContext = Record<string, unknown>;

/** What the library makes an invocation's context, arguments and answer from. */
export interface CoreInvocationContext {
  invocationId: string;
  request: {
    invocationId: string;
    functionId: string;
    inputData: { name: string; data: { http: object } }[];
    triggerMetadata: Record<string, RpcData>;
    traceContext: { traceParent: string; traceState?: string };
  };
  metadata: FunctionMetadata;
  state?: 'preInvocationHooks' | 'invocation' | 'postInvocationHooks';
  log(level: LogLevel, category: 'user' | 'system', message: string): void;
}

export interface InvocationModel {
  getArguments(): Promise<{ context: unknown; inputs: unknown[] }>;
  invokeFunction(context: unknown, inputs: unknown[], callback: Callback): Promise<unknown>;
  getResponse(context: unknown, result: unknown): Promise<unknown>;
}

export interface ProgrammingModel {
  getInvocationModel(context: CoreInvocationContext): InvocationModel;
  getCapabilities(capabilities: Record<string, string>): Promise<Record<string, string>>;
}

const HOOKS = ['appStart', 'appTerminate', 'preInvocation', 'postInvocation'] as const;
export type HookName = (typeof HOOKS)[number];

/** What the app registered while it was loaded. */
export interface AppContext {
  readonly functions: Map<string, { metadata: FunctionMetadata; callback: Callback }>;
  programmingModel: ProgrammingModel | undefined;
  /** Registration is over: a function registered later is an error, as in the worker. */
  locked: boolean;
  /** Runs the hooks of one kind, in the order of their registration, one after the other. */
  runHooks(name: HookName, context: HookContext): Promise<void>;
}

/** Makes `require('@azure/functions-core')` work in this process; call it before the app is loaded. */
export function provideCoreModule(log: (level: LogLevel, message: string) => void): AppContext {
  const hooks = new Map<string, ((context: HookContext) => unknown)[]>(HOOKS.map((name) => [name, []]));
  const app: AppContext = {
    functions: new Map(),
    programmingModel: undefined,
    locked: false,
    runHooks: (name, context) =>
      (hooks.get(name) ?? []).reduce(
        (before, hook) => before.then(() => hook(context)).then(() => undefined),
        Promise.resolve(undefined),
      ),
  };
  const core = {
    version: '3.12.0',
    hostVersion: '4.1037.0',
    Disposable,
    setProgrammingModel: (model: ProgrammingModel) => {
      app.programmingModel = model;
    },
    getProgrammingModel: () => app.programmingModel,
    registerFunction(metadata: FunctionMetadata, callback: Callback) {
      if (app.locked) throw new Error('A function can only be registered during app startup.');
      app.functions.set(metadata.name, { metadata, callback });
      return new Disposable(() => app.functions.delete(metadata.name));
    },
    registerHook(name: string, callback: (context: HookContext) => unknown) {
      const registered = hooks.get(name);
      if (!registered) throw new RangeError(`Unrecognized hook "${name}"`);
      registered.push(callback);
      return new Disposable(() => registered.splice(registered.indexOf(callback), 1));
    },
    log: (level: LogLevel, _category: string, message: string) => log(level, message),
  };
  const prototype = Module.prototype as unknown as { require(this: unknown, id: string): unknown };
  const original = prototype.require;
  prototype.require = function require(id) {
    return id === '@azure/functions-core' ? core : original.call(this, id);
  };
  return app;
}

class Disposable {
  readonly #dispose: () => unknown;

  constructor(dispose: () => unknown) {
    this.#dispose = dispose;
  }

  dispose(): void {
    this.#dispose();
  }
}
