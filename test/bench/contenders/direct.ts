import type { StartContender } from './contender.ts';

/** Nothing between client and upstream: what the machine can do. */
export const startDirect: StartContender = async (upstream) => ({
  target: { origin: upstream, dialect: 'bedrock', headers: {} },
  usage: async () => undefined,
  collectGarbage: async () => {},
  close: async () => {},
});
