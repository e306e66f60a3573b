import { BODIES, HEADERS, MEMBERS, METHODS, PATH_PIECES, QUERIES, VERSIONS } from './hostile-words.ts';
import type { Random } from './random.ts';
import type { Draft } from './requests.ts';

type MutateDraft = (draft: Draft, random: Random) => void;

function splice(text: string, random: Random, inserted: string, removed: number): string {
  const at = random.integer(text.length + 1);
  return text.slice(0, at) + inserted + text.slice(at + removed);
}

const DRAFT_MUTATIONS: readonly MutateDraft[] = [
  (draft, random) => {
    draft.target = splice(draft.target, random, random.pick(PATH_PIECES), random.integer(3));
  },
  (draft, random) => {
    draft.target += random.pick(QUERIES);
  },
  (draft, random) => {
    const encode = (character: string) => `%${'25'.repeat(random.integer(4))}${character.charCodeAt(0).toString(16)}`;
    draft.target = draft.target.replaceAll(/[^/?]/g, (character) => (random.oneIn(6) ? encode(character) : character));
  },
  (draft, random) => {
    draft.target = splice(draft.target, random, 'a'.repeat(random.integer(12_000)), 0);
  },
  (draft, random) => {
    const [name, value] = random.pick(HEADERS);
    draft.headers.splice(random.integer(draft.headers.length + 1), 0, [name, value]);
  },
  (draft, random) => {
    draft.headers.splice(random.integer(draft.headers.length), 1);
  },
  (draft, random) => {
    const [name, value] = random.pick(draft.headers);
    draft.headers.push([random.oneIn(2) ? name.toUpperCase() : name, value]);
  },
  (draft, random) => {
    const index = random.integer(draft.headers.length);
    const [name, value] = draft.headers[index] ?? ['X', ''];
    draft.headers[index] = [name, splice(value, random, random.bytes(random.integer(4)).toString('latin1'), 1)];
  },
  (draft, random) => {
    for (let count = random.integer(300); count > 0; count -= 1) draft.headers.push([`X-${count}`, 'v']);
  },
  (draft, random) => {
    draft.method = random.pick(METHODS);
  },
  (draft, random) => {
    draft.version = random.pick(VERSIONS);
  },
  (draft, random) => {
    draft.body = Buffer.from(random.pick(BODIES));
  },
  (draft, random) => {
    const at = random.integer(draft.body.length + 1);
    draft.body = Buffer.concat([
      draft.body.subarray(0, at),
      random.bytes(1 + random.integer(8)),
      draft.body.subarray(at),
    ]);
  },
  (draft, random) => {
    draft.body = Buffer.concat([draft.body, Buffer.alloc(random.integer(120_000), ' ')]);
  },
  (draft, random) => {
    // The host reads these members as headers and parameters of its own.
    const member = random.pick([
      '"Headers":{"a":"b"}',
      '"headers":1',
      '"Headers":{"\\u65e5":1}',
      '"path":"/x"',
      '"Query":[]',
    ]);
    draft.body = Buffer.from(draft.body.toString('latin1').replace('{', `{${member},`), 'latin1');
  },
  (draft, random) => {
    const text = draft.body.toString('latin1');
    const [first, last] = [`{${random.pick(MEMBERS)},`, `,${random.pick(MEMBERS)}}`];
    const changed = random.oneIn(2) ? text.replace('{', first) : text.replace(/\}$/, last);
    draft.body = Buffer.from(random.oneIn(6) ? text + changed : changed, 'latin1');
  },
  (draft) => {
    draft.chunked = !draft.chunked;
  },
  (draft, random) => {
    draft.headers.push(['Content-Length', String(Math.max(0, draft.body.length + random.integer(21) - 10))]);
  },
];

/** Changes what a request says: none to three things of it. */
export function mutateDraft(draft: Draft, random: Random): void {
  for (let count = random.integer(4); count > 0; count -= 1) random.pick(DRAFT_MUTATIONS)(draft, random);
}
