import { AGENT_RUNTIME } from './agent-runtime.ts';
import { AGENTCORE } from './agentcore.ts';
import { CONTROL_PLANE } from './control-plane.ts';
import { MANTLE } from './mantle.ts';
import { RUNTIME } from './runtime.ts';
import type { Service } from './service.ts';

/** All that can be called. Which of it an app offers, its groups say. */
export const SERVICES: readonly Service[] = [RUNTIME, CONTROL_PLANE, AGENT_RUNTIME, AGENTCORE, MANTLE];
