import type { EventDialect } from '../streams/failure-event.ts';
import type { StreamException } from '../streams/event-stream.ts';
import type { Metering } from '../usage/reading.ts';
import type { NestedModels } from './nested-models.ts';
import type { OperationGroup } from './groups.ts';

/** All that is to be known of an operation. What is absent does not apply to it. */
export interface Operation {
  /** AWS's name of the operation; for the routes that AWS's API model does not hold, a name in the same style. */
  readonly name: string;
  readonly group: OperationGroup;
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** Path with `{labels}`. A label is one segment on the wire; an ARN in it has its slashes encoded. */
  readonly template: string;
  /**
   * Query parameters that go on to AWS, each at most once, as AWS's API model has them; absent: none. `any` for routes
   * that the model does not hold, whose clients have parameters of their own (`beta`, `api-version`).
   */
  readonly query?: readonly string[] | 'any';
  /** What the names of further headers begin with that go on to AWS, signed. */
  readonly headers?: string;
  /** Member of the JSON body that names the model, where the path does not. */
  readonly modelMember?: 'model' | 'modelId';
  /** Members that name models anywhere in the JSON body. */
  readonly nestedModels?: NestedModels;
  /** A model works for it that the request does not name: refused where the models of a caller are limited. */
  readonly hiddenModel?: true;
  /** Whether its answers tell tokens: such that were `used`, or that were only `counted`, which costs nothing. */
  readonly metering?: Metering;
  /**
   * When its answers tell their tokens, unless that is always: streams `streamsIfAsked` by the option `include_usage`;
   * `unlessInBackground`, where the answer is made later. Decides where a budget counts them.
   */
  readonly usage?: 'streamsIfAsked' | 'unlessInBackground';
  /**
   * What it is in the conventions of OpenTelemetry for GenAI: `byModel` where that depends on the model. Absent: AWS's
   * own name.
   */
  readonly genAi?: 'chat' | 'byModel';
  /** Dialect in which a stream of server-sent events tells its client of a failure. */
  readonly dialect?: EventDialect;
  /** Of an event stream: the exception that tells its client of a failure, one of those that AWS's API model has for it. */
  readonly streamException?: StreamException;
  /** Where it takes request metadata, which AWS documents for these alone (user guide, "Per-request metadata tagging"). */
  readonly metadata?: 'header' | 'body';
  /**
   * Where it takes a guardrail: two headers, or `guardrailConfig` of the body. `impossible` where it generates and takes
   * none: refused where one is ordered. `needless` where it generates nothing.
   */
  readonly guardrail: 'headers' | 'body' | 'impossible' | 'needless';
  /** What it is about is stored in the region that made it, and its id does not tell which that is. */
  readonly stored?: true;
  /** Why the operation cannot pass. */
  readonly unsupported?: string;
}

/** A service of AWS that requests can be signed for. */
export interface Service {
  /** What stands before the region in the name of its endpoint. */
  readonly hostPrefix: string;
  /** It has the domain of AWS's dual-stack endpoints (`api.aws`), and no other. */
  readonly dualStack?: true;
  /** Its name in the scope of a signature. */
  readonly signingName: string;
  /** What its paths begin with here, and not at AWS; absent: nothing. */
  readonly prefix?: string;
  readonly operations: readonly Operation[];
}
