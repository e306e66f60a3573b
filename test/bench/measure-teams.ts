import { type Client, startClient } from './client.ts';
import { compareRounds } from './compare.ts';
import { type HostContender, startBundle } from './contenders/functions-host.ts';
import type { Figures } from './figures.ts';
import { inRounds, type Plan } from './plan.ts';
import { type AppName, MANY, startTeamsServers, TEAMS, TEAMS_NAMES, type TeamsName } from './teams.ts';
import { callSome, type Measurable, rotated, takeTurns } from './turns.ts';
import { WORKS } from './works.ts';

/** Whose bundle is called: this one, or that of `--against`. */
export type Build = 'ours' | 'before';

export interface TeamsFigures {
  /** By bundle and who calls, one for each round; the rounds belong together. */
  readonly rounds: ReadonlyMap<Build, ReadonlyMap<TeamsName, readonly Figures[]>>;
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

/** Small Converse calls, 20 at a time: of one subscription and of many, in turns, in the same worker. */
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
      await callAll(client, calledBy(app, MANY), plan);
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
    const called = new Map<string, Measurable>();
    const keep = new Map<string, Figures[]>();
    try {
      for (const [build, ofBuild] of rounds) {
        for (const app of APP_NAMES) {
          const running = await start(build, app, started);
          for (const name of TEAMS_NAMES.filter((each) => TEAMS[each].app === app)) {
            if (running === undefined) continue;
            called.set(`${build} ${name}`, calledBy(running, TEAMS[name].subscriptions));
            keep.set(`${build} ${name}`, ofBuild.get(name) ?? []);
          }
        }
      }
      const turns = { ...plan, slices: 2 * plan.slices };
      const figures = await takeTurns(client, new Map(rotated([...called], index)), WORKS.small20, turns);
      for (const [key, each] of figures) keep.get(key)?.push(each);
    } finally {
      await Promise.all(started.map((app) => app.close()));
    }
  };

  const precise = () =>
    Object.values(TEAMS_PAIRS).every(
      (pair) => (compareTeams({ rounds }, pair)?.uncertainty ?? 0) <= plan.precision / 2,
    );
  try {
    await inRounds(plan.teams, round, precise);
  } finally {
    await client.stop();
    await servers.close();
  }
  return { rounds, stsCallsPerSession: needed === 0 ? undefined : asked / needed };
}

/** Difference of CPU per request, of calls of the same bundle. */
export function compareTeams({ rounds }: Pick<TeamsFigures, 'rounds'>, [one, other]: readonly [TeamsName, TeamsName]) {
  const ours = rounds.get('ours');
  return compareRounds(ours?.get(one), ours?.get(other), 'cpuMicrosecondsPerRequest', 'difference');
}

function calledBy({ target, usage }: HostContender, subscriptions: number): Measurable {
  return { usage, target: { ...target, subscriptions } };
}

/** A call of each subscription at least, which makes its session; then until the compiler has done its work. */
async function callAll(client: Client, { target }: Measurable, { warmUpCalls }: Plan): Promise<void> {
  await callSome(client, target, WORKS.small20, Math.max(MANY, warmUpCalls));
}
