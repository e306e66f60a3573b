import { findModel, type NamedModels, readModels } from '../bedrock/body-model.ts';
import type { CalledModel } from '../bedrock/model-aliases.ts';
import { findNestedModel, readNestedModels } from '../bedrock/nested-models.ts';
import type { Route } from '../bedrock/route.ts';
import type { Operation } from '../bedrock/service.ts';
import type { Call } from '../budgets/budgets.ts';
import { tooMuchBuffered } from '../buffer-budget.ts';
import { checkModel } from '../callers/allowed-models.ts';
import type { Caller } from '../callers/caller.ts';
import { ProxyError } from '../errors.ts';
import type { Recorder } from '../record/recorder.ts';
import type { Body } from './request-body.ts';

interface CalledModels {
  /** The one that the path or the body names; undefined where there is none, or no single one. */
  readonly called: CalledModel | undefined;
  /** Those that may work beside it or in its place. Known only where models decide. */
  readonly others: readonly string[];
}

/**
 * The models Bedrock will use: that of the canonical path, or the body's where the path has none, and what a body names
 * beside it. A body that names none is refused only where models decide whether the caller may go on; else what it
 * seems to name is for the record.
 *
 * @param ordered the model of the body as far as an order has read it
 * @throws ProxyError as `readModels` and `readNestedModels` do, and `unavailable` without room to look at the body
 */
function calledModels(route: Route, body: Body, decides: boolean, ordered?: CalledModel): CalledModels {
  const { operation, modelId, resolvedModelId } = route;
  const known = modelId === undefined ? ordered : { asked: modelId, used: resolvedModelId ?? modelId };
  const { modelMember, nestedModels, metering } = operation;
  const hasModels = nestedModels !== undefined || modelMember !== undefined;
  if (decides ? !hasModels && metering !== 'used' : known !== undefined || !hasModels) {
    return { called: known, others: [] };
  }
  return body.readWhole<CalledModels>(
    (whole) => {
      const { model, others } = modelsIn(whole, operation, decides);
      return { called: known ?? (model === undefined ? undefined : { asked: model, used: model }), others };
    },
    () => {
      // For the record alone no call is refused.
      if (!decides) return { called: known, others: [] };
      throw tooMuchBuffered();
    },
  );
}

function modelsIn(body: Buffer, { modelMember, nestedModels }: Operation, decides: boolean): NamedModels {
  if (nestedModels !== undefined) {
    if (!decides) return { model: findNestedModel(body, nestedModels), others: [] };
    const models = readNestedModels(body, nestedModels);
    return models.length === 1 ? { model: models[0], others: [] } : { model: undefined, others: models };
  }
  return decides ? readModels(body, modelMember) : { model: modelMember && findModel(body, modelMember), others: [] };
}

/** The models of a call that may go on. */
export interface CheckedModels {
  /** The one to ask; undefined where it is not known. */
  readonly model: string | undefined;
  /** Those that may work beside it or in its place. */
  readonly others: readonly string[];
}

/**
 * Lets a call pass whose models are all allowed to its caller, and known to the budgets that have admitted it.
 *
 * @param call absent for one that spends nothing
 * @param ordered as `calledModels` takes it
 * @throws ProxyError `accessDenied` for another one, and as `calledModels` does
 */
export function checkModels(
  route: Route,
  body: Body,
  caller: Caller,
  call: Pick<Call, 'needsPrice' | 'checkModel'> | undefined,
  ordered: CalledModel | undefined,
  record: Pick<Recorder, 'model'>,
): CheckedModels {
  const decides = caller.allowedModels !== undefined || call?.needsPrice === true;
  const { called, others } = calledModels(route, body, decides, ordered);
  if (called !== undefined) record.model(called);
  const model = called?.used ?? others[0];
  if (model === undefined) call?.checkModel(model);
  for (const each of called === undefined ? others : [called.used, ...others]) {
    call?.checkModel(each);
    checkModel(caller, each);
  }
  return { model, others };
}

/** @throws ProxyError `accessDenied` for an operation whose model cannot be told, where models decide */
export function refuseHiddenModel({ name, hiddenModel }: Operation): void {
  if (hiddenModel === undefined) return;
  throw new ProxyError(
    'accessDenied',
    `Your subscription allows some models only, and which of them work for ${name} the request does not tell.`,
  );
}
