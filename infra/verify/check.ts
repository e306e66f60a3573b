import type { Azure } from './azure.ts';
import type { CallLog } from './call-log.ts';
import type { Endpoint } from './endpoint.ts';

export type Status = 'ok' | 'warning' | 'failed' | 'skipped';

/** What came out of one check. */
export interface Finding {
  readonly status: Status;
  /** What was measured; of a skipped check, why it was. */
  readonly evidence: string;
  /** The one thing to do next; absent where there is nothing to be done. */
  readonly remedy?: string;
}

export interface Check {
  readonly id: string;
  readonly title: string;
  readonly layer: Layer;
  /** Ids of checks without which this one tells nothing: it is skipped when one of them has failed. */
  readonly needs: readonly string[];
  /** What it costs beside time: such a check is left out by `--no-calls`. */
  readonly calls?: 'Converse' | 'streams';
  run(context: Context): Promise<Finding>;
}

/** From the ground up. */
export const LAYERS = ['Azure', 'gateway', 'function', 'way to Bedrock', 'Bedrock', 'log'] as const;
export type Layer = (typeof LAYERS)[number];

/** What the checks look at. */
export interface Context {
  readonly endpoint: Endpoint;
  /** Model or inference profile for the calls. */
  readonly modelId: string;
  /** Whether Bedrock may be asked for answers, which cost tokens. */
  readonly calls: boolean;
  readonly azure: Azure;
  readonly log: CallLog;
}

export function ok(evidence: string): Finding {
  return { status: 'ok', evidence };
}

export function warning(evidence: string, remedy: string): Finding {
  return { status: 'warning', evidence, remedy };
}

export function failed(evidence: string, remedy: string): Finding {
  return { status: 'failed', evidence, remedy };
}

export function skipped(why: string): Finding {
  return { status: 'skipped', evidence: why };
}
