import type { Answer } from '../answer.ts';
import type { NoAnswer } from '../no-answer.ts';
import type { Deployed } from './deployed.ts';
import type { Json } from './json.ts';
import type { Look } from './look.ts';

/** What is known of the deployment in Azure, and whether it can be looked at. */
export interface Azure {
  /** Values of azd's environment, where it is the environment of this endpoint. */
  readonly environment?: Readonly<Record<string, string>>;
  readonly tools: { readonly az: Look<Json>; readonly azd: Look<Json> };
  /** Who `az` is signed in as. */
  readonly account: Look<Json>;
  /** The resources, or why none of them can be looked at. */
  readonly deployed: Look<Deployed>;
  /** Asks a host of the deployment as anybody on the internet could. */
  readonly visit: (url: string) => Promise<Answer | NoAnswer>;
  /** The package that this checkout has made, if it has. */
  readonly localPackage: () => Promise<Buffer | undefined>;
}
