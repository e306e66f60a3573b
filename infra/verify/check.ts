import type { Aws } from './aws/aws.ts';
import type { Azure } from './azure/azure.ts';
import type { CallLog } from './call-log.ts';
import type { Endpoint } from './endpoint.ts';
import type { Finding } from './finding.ts';

export interface Check {
  readonly id: string;
  readonly title: string;
  readonly layer: Layer;
  /** Ids of checks without which this one tells nothing: it is skipped when one of them has failed. */
  readonly needs: readonly string[];
  /** What it costs beside time: such a check is left out by `--no-calls`. */
  readonly calls?: 'Converse' | 'streams';
  /** The option that asks for it; without it such a check is not run, and not told of. */
  readonly onlyWith?: '--notify' | '--aws';
  run(context: Context): Promise<Finding>;
}

/** From the ground up. */
export const LAYERS = ['Azure', 'gateway', 'function', 'way to Bedrock', 'Bedrock', 'log', 'AWS'] as const;
export type Layer = (typeof LAYERS)[number];

/** What the checks look at. */
export interface Context {
  readonly endpoint: Endpoint;
  /** Model or inference profile for the calls. */
  readonly modelId: string;
  /** Whether Bedrock may be asked for answers, which cost tokens. */
  readonly calls: boolean;
  readonly azure: Azure;
  /** The AWS account, where it is asked for. */
  readonly aws?: Aws;
  readonly log: CallLog;
  readonly patience: Patience;
}

/** How long the log is waited for, and how long between two looks. */
export interface Patience {
  /** 0: not at all. */
  readonly logMs: number;
  readonly pauseMs: number;
}
