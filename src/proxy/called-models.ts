import { findModel, readModel } from '../bedrock/body-model.ts';
import type { CalledModel } from '../bedrock/model-aliases.ts';
import { findNestedModel, readNestedModels } from '../bedrock/nested-models.ts';
import type { Route } from '../bedrock/route.ts';
import type { Operation } from '../bedrock/service.ts';
import { tooMuchBuffered } from '../buffer-budget.ts';
import { ProxyError } from '../errors.ts';
import type { Body } from './request-body.ts';

/**
 * The models Bedrock will use: that of the canonical path, or those of the body where the path has none. A body that names
 * none is refused only where the models decide whether the caller may go on; else what it seems to name is for the record.
 *
 * @throws ProxyError as `readModel` and `readNestedModels` do, and `unavailable` without room to look at the body
 */
export function calledModels(route: Route, body: Body, decides: boolean): readonly CalledModel[] {
  const { operation, modelId, resolvedModelId } = route;
  if (modelId !== undefined) return [{ asked: modelId, used: resolvedModelId ?? modelId }];
  return modelsInBody(operation, body, decides).map((model) => ({ asked: model, used: model }));
}

function modelsInBody({ modelMember, nestedModels }: Operation, body: Body, decides: boolean): readonly string[] {
  if (modelMember === undefined && nestedModels === undefined) return [];
  return body.readWhole<readonly string[]>(
    (whole) => {
      if (nestedModels !== undefined) {
        return decides ? readNestedModels(whole, nestedModels) : listOf(findNestedModel(whole, nestedModels));
      }
      return listOf(modelMember && (decides ? readModel : findModel)(whole, modelMember));
    },
    () => {
      // For the record alone no call is refused.
      if (!decides) return [];
      throw tooMuchBuffered();
    },
  );
}

function listOf(model: string | undefined): readonly string[] {
  return model === undefined ? [] : [model];
}

/** @throws ProxyError `accessDenied` for an operation whose model cannot be told, where models decide */
export function refuseHiddenModel({ name, hiddenModel }: Operation): void {
  if (hiddenModel === undefined) return;
  throw new ProxyError(
    'accessDenied',
    `Your subscription allows some models only, and which of them work for ${name} the request does not tell.`,
  );
}
