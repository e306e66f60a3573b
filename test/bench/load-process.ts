import { serve } from './child.ts';
import { createLoad, type Load, type Target } from './load.ts';
import type { Work } from './works.ts';

/** The clients, in a process of their own: what they cost is not counted as the contender's. */

let load: Load | undefined;

function current(): Load {
  if (load === undefined) throw new Error('No load is open.');
  return load;
}

const service = {
  open({ target, work }: { target: Target; work: Work }) {
    load = createLoad(target, work);
  },
  run: (milliseconds: number) => current().run(milliseconds),
  hold: () => current().hold(),
  close: () => current().close(),
};
export type LoadService = typeof service;
serve(service);
