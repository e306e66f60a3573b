import type { Plan } from './audit.ts';
import { explained, FAULTS } from './faults.ts';
import { GROUP_OPERATIONS } from './group-operations.ts';
import { INFERENCE } from './inference.ts';
import type { Operation } from './operations.ts';
import { COMPLETE } from './outcome.ts';
import { mayCall, type Team, TEAMS } from './teams.ts';

/** Least distance of a refused signature from the next rotation: ten seconds of reading, ten of rest, and some. */
const DISTANCE_MS = 25_000;

const FAULTS_AT_ANY_TIME = FAULTS.filter(({ notBeforeRotation }) => notBeforeRotation !== true);

const OPERATIONS: readonly Operation[] = [...INFERENCE, ...GROUP_OPERATIONS];

/**
 * The operations take turns, every second call is told tokens; so do the faults, each with an operation that can have it,
 * and the teams, each with what it may call.
 */
export function planOf(number: number, faultPercent: number, beforeRotationMs: number): Plan {
  const every = Math.round(100 / faultPercent);
  const turn = number / every;
  if (!Number.isInteger(turn)) {
    const operation = inTurn(number % 2 === 0 ? INFERENCE : GROUP_OPERATIONS, number >> 1);
    const team = teamOf(operation, number >> 1);
    return { number, operation, team, fault: undefined, explains: [COMPLETE], accounts: () => team.accounts };
  }
  const fault = inTurn(beforeRotationMs > DISTANCE_MS ? FAULTS : FAULTS_AT_ANY_TIME, turn);
  const { shapes } = fault;
  const possible = OPERATIONS.filter(({ shape }) => shapes?.includes(shape) ?? true);
  const operation = inTurn(possible, Math.floor(turn / FAULTS.length));
  // The budget of a small team would hide the fault.
  const team = inTurn(
    TEAMS.filter((each) => !each.isSmall && mayCall(each, operation)),
    turn,
  );
  return { number, operation, team, fault, explains: explained(fault, operation), accounts: () => team.accounts };
}

/** Each operation once for each of so many callers, without a fault. */
export function warmUpPlans(first: number, callers: number): Plan[][] {
  const team = inTurn(TEAMS, 0);
  let number = first;
  return OPERATIONS.map((operation) => {
    const lanes = INFERENCE.includes(operation) ? callers : Math.min(callers, 5);
    return Array.from({ length: lanes }, () => ({
      number: number++,
      operation,
      team,
      fault: undefined,
      explains: [COMPLETE],
      accounts: () => team.accounts,
    }));
  });
}

/** By rounds of a prime number, so that each team calls each operation. */
function teamOf(operation: Operation, number: number): Team {
  const possible = TEAMS.filter((team) => mayCall(team, operation));
  return inTurn(possible, Math.floor(number / 7));
}

function inTurn<T>(items: readonly T[], turn: number): T {
  const item = items[turn % items.length];
  if (item === undefined) throw new Error('There is nothing to take turns.');
  return item;
}
