import { member } from '../json/member.ts';
import { dataOf, eventsIn } from '../streams/server-sent-events.ts';
import { USAGE_NAME } from './formats.ts';

const CHOICES_NAME = Buffer.from('"choices"');

/**
 * Leaves out the event of a stream of chat completions that tells nothing but usage: it has been asked for by the proxy,
 * and callers who have not asked for it read the first choice of every event.
 *
 * @param pieces of one or several whole events
 */
export function withoutUsageEvent(pieces: readonly Buffer[]): readonly Buffer[] {
  const [first, second] = pieces;
  const block = second === undefined ? first : Buffer.concat(pieces);
  if (block === undefined || !mayBeOne(block)) return pieces;
  return eventsIn(block).filter((event) => !tellsUsageAlone(event));
}

/** A list without anything in it, and usage that is more than `null`. */
function mayBeOne(block: Buffer): boolean {
  return follows(block, CHOICES_NAME, /^\s*:\s*\[\s*\]/) && follows(block, USAGE_NAME, /^\s*:\s*\{/);
}

function follows(block: Buffer, name: Buffer, value: RegExp): boolean {
  for (let at = block.indexOf(name); at !== -1; at = block.indexOf(name, at)) {
    at += name.length;
    if (value.test(block.toString('latin1', at, at + 32))) return true;
  }
  return false;
}

function tellsUsageAlone(event: Buffer): boolean {
  try {
    const value: unknown = JSON.parse(dataOf(event.toString()));
    const choices = member(value, 'choices');
    return Array.isArray(choices) && choices.length === 0 && typeof (member(value, 'usage') ?? '') === 'object';
  } catch {
    return false;
  }
}
