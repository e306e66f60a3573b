import type { InvocationRequest, LogLevel } from './messages.ts';
import type { AppContext, CoreInvocationContext } from './worker-core.ts';

/** Where an invocation's log lines go. */
export type InvocationLog = (level: LogLevel, category: 'user' | 'system', message: string) => void;

/**
 * Runs one invocation: arguments, hooks before, the function, hooks after, the answer (azure-functions-nodejs-worker,
 * `InvocationHandler`). The library writes the HTTP answer itself, so this resolves when the answer's body is written,
 * and rejects for whatever failed on the way; the caller has then been told nothing.
 */
export async function runInvocation(app: AppContext, request: InvocationRequest, log: InvocationLog): Promise<void> {
  const { invocationId, functionName, triggerMetadata, traceParent, traceState } = request;
  const registered = app.functions.get(functionName);
  if (!registered || !app.programmingModel) {
    throw new Error(`Function code for '${functionName}' is not loaded and cannot be invoked.`);
  }
  const { metadata } = registered;
  const trigger = Object.entries(metadata.bindings).find(([, binding]) => binding.type === 'httpTrigger');
  const core: CoreInvocationContext = {
    invocationId,
    request: {
      invocationId,
      functionId: functionName,
      inputData: trigger ? [{ name: trigger[0], data: { http: {} } }] : [],
      triggerMetadata,
      traceContext: { traceParent, ...(traceState === undefined ? {} : { traceState }) },
    },
    metadata,
    log,
  };
  const model = app.programmingModel.getInvocationModel(core);
  const { context, inputs } = await model.getArguments();
  const hookData = {};

  const before = { hookData, invocationContext: context, functionCallback: registered.callback, inputs };
  core.state = 'preInvocationHooks';
  await app.runHooks('preInvocation', before);

  const after: Record<string, unknown> & { result: unknown; error: unknown } = {
    hookData,
    invocationContext: context,
    inputs: before.inputs,
    result: null,
    error: null,
  };
  core.state = 'invocation';
  try {
    after.result = await model.invokeFunction(context, before.inputs, before.functionCallback);
  } catch (error) {
    after.error = error;
  }
  core.state = 'postInvocationHooks';
  await app.runHooks('postInvocation', after);
  delete core.state;

  if (after.error !== null && after.error !== undefined) throw after.error;
  await model.getResponse(context, after.result);
}
