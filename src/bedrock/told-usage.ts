import { ProxyError } from '../errors.ts';
import { changeMembers, type MemberChange } from './body-members.ts';
import type { Operation } from './service.ts';

/** What a budget needs of a request: that its answer tells its tokens. */
export interface Counting {
  /** `observed`: nothing is refused. */
  readonly budgets: 'enforced' | 'observed';
  /** The answer will tell tokens that the caller has not asked for. */
  readonly onUnasked: () => void;
}

/** Bytes of `stream_options`: far more than OpenAI's have. They are copied, so they must not be long. */
const LONGEST_OPTIONS = 65_536;

/**
 * What becomes of a body so that its answer tells its tokens: a stream of chat completions is asked for them, and a
 * response that would be made in the background, and tells them nobody knows when, is refused. A value that some parser
 * could take for `true` counts as one.
 *
 * @returns changes, each of which may throw ProxyError `accessDenied` or `invalidRequest`
 */
export function usageChanges({ usage }: Operation, { budgets, onUnasked }: Counting): readonly MemberChange[] {
  if (usage === 'unlessInBackground' && budgets === 'enforced')
    return [{ name: 'background', alone: true, change: refuse }];
  if (usage !== 'streamsIfAsked') return [];
  let streams = false;
  return [
    {
      name: 'stream',
      alone: true,
      change(value) {
        streams = !isFalse(value);
        return undefined;
      },
    },
    { name: 'stream_options', change: (value) => (streams ? asking(value, onUnasked) : undefined) },
  ];
}

function refuse(value: Buffer | undefined): undefined {
  if (isFalse(value)) return;
  throw new ProxyError(
    'accessDenied',
    'Your subscription has a budget, which cannot count a response that is made in the background.',
  );
}

/** The options of a stream with `include_usage`; undefined where they have it. */
function asking(options: Buffer | undefined, onUnasked: () => void): string | undefined {
  const own = options === undefined || options.toString('latin1', 0, 4) === 'null' ? Buffer.from('{}') : options;
  if (own.length > LONGEST_OPTIONS) throw new ProxyError('invalidRequest', '"stream_options" is too long.');
  let isAsked = false;
  const change = (value: Buffer | undefined) => {
    isAsked = value?.toString() === 'true';
    return isAsked ? undefined : 'true';
  };
  const pieces = changeMembers(own, [{ name: 'include_usage', change }], '"stream_options"');
  if (isAsked) return undefined;
  onUnasked();
  return Buffer.concat(pieces).toString();
}

function isFalse(value: Buffer | undefined): boolean {
  const text = value?.toString('latin1', 0, 5) ?? 'null';
  return text === 'null' || text === 'false';
}
