import { startClient } from './client.ts';
import { compareRounds, type Comparison } from './compare.ts';
import { type HostContender, startBundle } from './contenders/functions-host.ts';
import { type Figures, figuresOf } from './figures.ts';
import { inRounds, type Plan } from './plan.ts';
import { spreadOf } from './statistics.ts';
import { type Called, calledBy, takeTeamTurns, warmUpTeams } from './team-turns.ts';
import { type AppName, MANY, startTeamsServers, TEAMS, TEAMS_NAMES, type TeamsName } from './teams.ts';
import { WORKS } from './works.ts';

/** Whose bundle is called: this one, or that of `--against`. */
export type Build = 'ours' | 'before';

export interface TeamsFigures {
  /** By bundle and who calls, one for each round; the rounds belong together. */
  readonly rounds: ReadonlyMap<Build, ReadonlyMap<TeamsName, readonly Figures[]>>;
  /** Of this bundle: CPU per request in µs, by round and turn; what has the same place belongs together. */
  readonly turns: ReadonlyMap<TeamsName, readonly (readonly number[])[]>;
  /** Of this bundle: CPU in µs that the first call of a subscription takes beyond a later one, one for each round. */
  readonly firstCalls: ReadonlyMap<AppName, readonly number[]>;
  /** Sessions that STS was asked for, over those that this bundle needed, each for an hour, which is longer than this takes. */
  readonly stsCallsPerSession: number | undefined;
}

/** Which CPU per request is compared with which, where both are of this bundle. */
export const TEAMS_PAIRS = {
  sessions: ['many', 'one'],
  all: ['manyOfAll', 'oneOfAll'],
  overPlain: ['manyOfAll', 'plain'],
  budgets: ['budgets', 'plain'],
} as const satisfies Record<string, readonly [TeamsName, TeamsName]>;

const APP_NAMES = ['plain', 'budgets', 'sessions', 'all'] as const satisfies readonly AppName[];

/**
 * Small Converse calls, 20 at a time: of one subscription and of many, in turns, in the same worker, in which each of them
 * has called often.
 */
export async function measureTeams(
  upstream: string,
  builds: ReadonlyMap<Build, string>,
  plan: Plan,
  progress: (line: string) => void,
): Promise<TeamsFigures> {
  const servers = await startTeamsServers(upstream);
  const client = await startClient();
  const figuresByName = () => new Map<TeamsName, Figures[]>(TEAMS_NAMES.map((name) => [name, []]));
  const rounds = new Map(Array.from(builds, ([build]) => [build, figuresByName()]));
  const turns = new Map<TeamsName, number[][]>(TEAMS_NAMES.map((name) => [name, []]));
  const firstCalls = new Map<AppName, number[]>(APP_NAMES.map((name) => [name, []]));
  // What an older bundle could not do, it is not asked again.
  const unable = new Set<AppName>();
  let asked = 0;
  let needed = 0;

  const start = async (build: Build, name: AppName, started: HostContender[]): Promise<HostContender | undefined> => {
    const folder = builds.get(build);
    if (folder === undefined || (build === 'before' && unable.has(name))) return undefined;
    const { settings, headers } = servers.apps[name];
    const askedUntilNow = servers.sessionsAsked();
    try {
      const app = await startBundle(settings, { headers, folder });
      started.push(app);
      const first = await warmUpTeams(client, app, plan);
      if (build === 'ours') firstCalls.get(name)?.push(...first);
      if (build === 'ours' && 'AWS_ROLE_ARN' in settings) {
        asked += servers.sessionsAsked() - askedUntilNow;
        needed += MANY;
      }
      return app;
    } catch (error) {
      if (build === 'ours') throw error;
      progress(`the older bundle cannot do "${name}": ${String(error)}`);
      unable.add(name);
      return undefined;
    }
  };

  const round = async (index: number) => {
    progress(`round ${index + 1}: one subscription and many`);
    const started: HostContender[] = [];
    const called: (Called & { readonly build: Build; readonly name: TeamsName })[] = [];
    try {
      for (const build of rounds.keys()) {
        for (const app of APP_NAMES) {
          const running = await start(build, app, started);
          if (running === undefined) continue;
          for (const name of TEAMS_NAMES.filter((each) => TEAMS[each].app === app)) {
            called.push({ ...calledBy(running, TEAMS[name].subscriptions), build, name });
          }
        }
      }
      for (const [{ build, name }, taken] of await takeTeamTurns(client, called, plan)) {
        rounds.get(build)?.get(name)?.push(figuresOf(taken, WORKS.small20));
        const cpu = taken.map(({ cpuMicroseconds = Number.NaN, load }) => cpuMicroseconds / load.requests);
        if (build === 'ours' && !cpu.some(Number.isNaN)) turns.get(name)?.push(cpu);
      }
    } finally {
      await Promise.all(started.map((app) => app.close()));
    }
  };

  const precise = () =>
    Object.values(TEAMS_PAIRS).every((pair) => (compareTeams({ turns }, pair)?.uncertainty ?? 0) <= plan.precision / 2);
  try {
    await inRounds(plan.teams, round, precise);
  } finally {
    await client.stop();
    await servers.close();
  }
  return { rounds, turns, firstCalls, stsCallsPerSession: needed === 0 ? undefined : asked / needed };
}

/**
 * Difference of CPU per request, of calls of the same bundle. Who calls the same worker is compared turn by turn; two
 * workers differ for as long as they live, so that of them there are as many differences as rounds.
 */
export function compareTeams(
  { turns }: Pick<TeamsFigures, 'turns'>,
  [one, other]: readonly [TeamsName, TeamsName],
): Comparison | undefined {
  const sameWorker = TEAMS[one].app === TEAMS[other].app;
  const valuesOf = (name: TeamsName) => {
    const byRound = turns.get(name) ?? [];
    const values = sameWorker ? byRound.flat() : byRound.map((round) => spreadOf(round)?.median ?? 0);
    return values.map((cpu) => ({ cpu }));
  };
  return compareRounds(valuesOf(one), valuesOf(other), 'cpu', 'difference');
}
