import { hash } from 'node:crypto';

import { ProxyError } from '../errors.ts';

/** The ids of the gateway that a session may be named after. */
export interface SessionIds {
  readonly subscriptionId?: string;
  readonly productId?: string;
}

/** Name and tags of a session at AWS. */
export interface SessionIdentity {
  /** 2 to 64 characters of `[\w+=,.@-]`. */
  readonly name: string;
  /** Value by key. */
  readonly tags: Readonly<Record<string, string>>;
}

/** Says who a call is at AWS. @throws ProxyError `accessDenied` for a call without an id that is asked for */
export type NameSession = (ids: SessionIds) => SessionIdentity;

/** Text with `{subscriptionId}` and `{productId}` in it. */
type Template = (ids: SessionIds) => string;

/** Limits of STS (API model 2011-06-15, `roleSessionNameType`, `tagKeyType`, `tagValueType`, `tagListType`). */
const SHORTEST_NAME = 2;
const LONGEST_NAME = 64;
const LONGEST_KEY = 128;
const LONGEST_VALUE = 256;
const MOST_TAGS = 50;

const PLACEHOLDER = /\{(subscriptionId|productId)\}/;

/** What does not stay as it is in an id; nor does the equals sign, because it begins what is encoded. */
const NOT_IN_NAME = /[^\w+,.@-]/gu;
const NOT_IN_VALUE = /[^\p{L}\p{Z}\p{N}_.:/+\-@]/gu;

/**
 * The session of each call, from the settings `AWS_ROLE_SESSION_NAME`, for instance `{subscriptionId}`, and
 * `AWS_ROLE_SESSION_TAGS`, for instance `team={subscriptionId},product={productId}`.
 *
 * @returns a list of what is wrong with the settings instead
 */
export function parseSession(name: string, tags: string): NameSession | readonly string[] {
  const problems: string[] = [];
  const nameOf = parseTemplate(name, /^[\w+=,.@-]*$/);
  // Too long without any id, too.
  if (nameOf === undefined || name === '' || literals(name).join('').length > LONGEST_NAME) {
    problems.push('the session name may have letters, digits, +=,.@_- and the ids {subscriptionId} and {productId}');
  }
  const valueOf = parseTags(tags, problems);
  if (nameOf === undefined || problems.length > 0) return problems;
  return (ids) => ({
    name: fitName(nameOf(ids)),
    tags: Object.fromEntries(Array.from(valueOf, ([key, value]) => [key, fit(value(ids), LONGEST_VALUE)])),
  });
}

function parseTags(text: string, problems: string[]): ReadonlyMap<string, Template> {
  const tags = new Map<string, Template>();
  const keys = new Set<string>();
  for (const part of text.split(',').filter((one) => one.trim() !== '')) {
    const [key = '', ...rest] = part.trim().split('=');
    const value = parseTemplate(rest.join('='), /^[\p{L}\p{Z}\p{N}_.:/=+\-@]*$/u, NOT_IN_VALUE);
    if (value === undefined || rest.length === 0) problems.push(`the value of the session tag ${key} is none`);
    else tags.set(key, value);
    if (!isTagKey(key)) problems.push('a key of a session tag is none that AWS takes');
    if (keys.has(key.toLowerCase())) problems.push(`the session tag ${key} is there twice`);
    keys.add(key.toLowerCase());
  }
  if (keys.size > MOST_TAGS) problems.push(`there are more than ${MOST_TAGS} session tags`);
  return tags;
}

function isTagKey(key: string): boolean {
  return key.length <= LONGEST_KEY && /^(?!aws:)[\p{L}\p{Z}\p{N}_.:/+\-@]+$/iu.test(key);
}

function parseTemplate(text: string, literal: RegExp, encoded = NOT_IN_NAME): Template | undefined {
  if (!literals(text).every((part) => literal.test(part))) return undefined;
  // Text and the name of an id in turn, because the pattern has a group.
  const parts = text.split(PLACEHOLDER);
  // What an id ends before, where another one follows.
  const ends = parts.map((_, index) =>
    index % 2 === 1 && index + 2 < parts.length ? firstOf(parts[index + 1]) : undefined,
  );
  if (ends.some((end) => end === '')) return undefined;
  return (ids) =>
    parts
      .map((part, index) => {
        if (index % 2 === 0) return part;
        const id = idOf(ids, part as keyof SessionIds).replaceAll(encoded, encodeAll);
        const end = ends[index];
        return end === undefined ? id : id.replaceAll(end, encodeAll);
      })
      .join('');
}

/** The first character; none where it could be one of an encoded id: then two pairs of ids could give the same text. */
function firstOf(text = ''): string {
  const [first = ''] = text;
  return /[\p{L}\p{N}=]/u.test(first) ? '' : first;
}

function literals(text: string): string[] {
  return text.split(PLACEHOLDER).filter((_, index) => index % 2 === 0);
}

function idOf(ids: SessionIds, name: keyof SessionIds): string {
  const id = ids[name];
  if (id !== undefined && id !== '') return id;
  throw new ProxyError('accessDenied', `Calls need a ${name} of the gateway: AWS would not know who makes them.`);
}

/**
 * What AWS does not take becomes `=` and two hexadecimal digits for each byte of its UTF-8, as in request metadata (RFC
 * 2045 section 6.7).
 */
function encodeAll(text: string): string {
  return Array.from(Buffer.from(text), (byte) => `=${byte.toString(16).toUpperCase().padStart(2, '0')}`).join('');
}

function fitName(name: string): string {
  return name.length < SHORTEST_NAME ? encodeAll(name) : fit(name, LONGEST_NAME);
}

/** What is too long ends in `==` and the beginning of the SHA-256 of the whole, so that it is the only one of its kind. */
function fit(text: string, longest: number): string {
  if (text.length <= longest) return text;
  const mark = `==${hash('sha256', text).slice(0, 32)}`;
  return text.slice(0, longest - mark.length).replace(/=.?$|[\ud800-\udbff]$/, '') + mark;
}
