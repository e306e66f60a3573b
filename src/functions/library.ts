import { type CoreInvocationContext, getProgrammingModel, type InvocationModel } from '@azure/functions-core';

/**
 * Keeps the host's binding data from the library, and has the handler called whatever the library makes of a request.
 * Must be called once a function is registered, which is when the library makes itself known to the worker.
 *
 * The library makes a WHATWG request of the binding data, in which a JSON member or a query parameter named `Headers`
 * takes the place of the true headers. Of some that no header can hold it fails before the handler is called; the caller
 * then hears nothing for minutes (azure-functions-nodejs-library#324), and the library keeps request and response for
 * ever: it lets go of them only when it answers. Nobody here reads the binding data, or that request.
 */
export function guardLibrary(): void {
  const library = getProgrammingModel();
  const getInvocationModel = library.getInvocationModel.bind(library);
  library.getInvocationModel = (context) => {
    context.request.triggerMetadata = {};
    return alwaysCalling(context, getInvocationModel(context));
  };
}

function alwaysCalling(core: CoreInvocationContext, invocation: InvocationModel): InvocationModel {
  const getArguments = invocation.getArguments.bind(invocation);
  invocation.getArguments = async () => {
    try {
      return await getArguments();
    } catch {
      const { invocationId, request } = core;
      return { context: { invocationId, traceContext: request.traceContext }, inputs: [undefined] };
    }
  };
  return invocation;
}
