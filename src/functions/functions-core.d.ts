/**
 * The module that a worker of Azure Functions offers to what it has loaded (azure-functions-nodejs-worker,
 * `setupCoreModule`), as far as it is used here. No registry has it, nor its types.
 */
declare module '@azure/functions-core' {
  export interface CoreInvocationContext {
    readonly invocationId: string;
    readonly request: { triggerMetadata?: object | null; readonly traceContext?: object | null };
  }

  /** Arguments of the handler: the inputs, then the context. */
  export interface InvocationArguments {
    readonly context: object;
    readonly inputs: readonly unknown[];
  }

  export interface InvocationModel {
    getArguments(): Promise<InvocationArguments>;
  }

  export interface ProgrammingModel {
    getInvocationModel(context: CoreInvocationContext): InvocationModel;
  }

  export function getProgrammingModel(): ProgrammingModel;
}
