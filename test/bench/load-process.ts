import { serve } from './child.ts';
import { createLoad, type Load, type Target } from './load.ts';
import type { Work } from './works.ts';

/** The clients, in a process of their own: what they cost is not counted as the contender's. */

/** Those that are open, by the number that `open` has given them. */
const loads = new Map<number, Load>();
let opened = 0;

function loadOf(id: number): Load {
  const load = loads.get(id);
  if (load === undefined) throw new Error(`No load ${id} is open.`);
  return load;
}

const service = {
  open({ target, work }: { target: Target; work: Work }) {
    opened += 1;
    loads.set(opened, createLoad(target, work));
    return opened;
  },
  run: ({ load, milliseconds }: { load: number; milliseconds: number }) => loadOf(load).run(milliseconds),
  hold: (load: number) => loadOf(load).hold(),
  received: (load: number) => loadOf(load).received(),
  async close(load: number) {
    await loadOf(load).close();
    loads.delete(load);
  },
};
export type LoadService = typeof service;
serve(service);
