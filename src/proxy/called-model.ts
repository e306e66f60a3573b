import { findModel, readModel } from '../bedrock/body-model.ts';
import type { CalledModel } from '../bedrock/model-aliases.ts';
import type { Route } from '../bedrock/route.ts';
import { tooMuchBuffered } from '../buffer-budget.ts';
import type { Body } from './request-body.ts';

/**
 * The model Bedrock will use: that of the canonical path, or the body's where the path has none. A body that names none
 * is refused only where the model decides whether the caller may go on.
 */
export function calledModel(
  { operation: { modelMember }, modelId, resolvedModelId }: Route,
  body: Body,
  decides: boolean,
): CalledModel | undefined {
  const asked = modelId ?? (modelMember === undefined ? undefined : modelInBody(body, modelMember, decides));
  return asked === undefined ? undefined : { asked, used: resolvedModelId ?? asked };
}

function modelInBody(body: Body, member: string, decides: boolean): string | undefined {
  const read = decides ? readModel : findModel;
  return body.readWhole<string | undefined>(
    (whole) => read(whole, member),
    () => {
      // For the record alone no call is refused.
      if (!decides) return undefined;
      throw tooMuchBuffered();
    },
  );
}
