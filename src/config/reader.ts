import type { Environment, SettingName } from './settings.ts';

/** Names every missing or malformed setting, never a value: it may be a secret in the wrong place. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
  readonly problems: readonly string[];

  constructor(problems: readonly string[]) {
    super(`Wrong settings: ${problems.join('; ')}`);
    this.problems = problems;
  }
}

/** Reads settings of each kind and collects what is wrong with them. An empty value counts as absent. */
export interface Reader {
  text(name: SettingName): string | undefined;
  required(name: SettingName, why: string): string;
  /** Two that go together: one without the other is wrong, and only the missing one is named. */
  pair(one: SettingName, other: SettingName): void;
  /** @param least 1 where it is not named */
  integer(name: SettingName, fallback: number, most: number, least?: number): number;
  /** Absent: false. */
  flag(name: SettingName): boolean;
  /** Comma-separated; absent: empty, and wrong unless it is optional. @param why it is required, after its name */
  list(name: SettingName, why?: string): string[];
  /** One of these words; absent: the first. */
  oneOf<Word extends string>(name: SettingName, words: readonly [Word, ...Word[]]): Word;
  url(name: SettingName): URL | undefined;
  /** Of a URL without a path; `{region}` may stand in the name of its host, and is left. */
  origin(name: SettingName): string | undefined;
  /** Name of a secret in Key Vault. */
  secretName(name: SettingName): string | undefined;
}

export function createReader(environment: Environment, problems: string[]): Reader {
  const text = (name: SettingName) => environment[name]?.trim() || undefined;
  const required = (name: SettingName, why: string) => {
    const value = text(name);
    if (value === undefined) problems.push(`${name} is missing${why}`);
    return value ?? '';
  };
  const urlIn = (name: SettingName, value: string | undefined) => {
    if (value === undefined) return undefined;
    const url = URL.canParse(value) ? new URL(value) : undefined;
    const secure = url?.protocol === 'https:' || (url?.protocol === 'http:' && isLoopback(url));
    if (url === undefined || !secure || url.username + url.password !== '' || url.search !== '' || url.hash !== '') {
      problems.push(`${name} must be an https URL (http only to a loopback address)`);
      return undefined;
    }
    return url;
  };
  return {
    text,
    required,
    pair(...names) {
      const missing = names.filter((name) => text(name) === undefined);
      if (missing.length === 1) problems.push(`${missing.join('')} is missing (the other of the pair is set)`);
    },
    integer(name, fallback, most, least = 1) {
      const value = text(name);
      if (value === undefined) return fallback;
      const number = /^\d{1,16}$/.test(value) ? Number(value) : 0;
      if (number >= least && number <= most) return number;
      problems.push(`${name} must be a whole number from ${least} to ${most}`);
      return fallback;
    },
    flag(name) {
      const value = text(name) ?? 'false';
      if (value !== 'true' && value !== 'false') problems.push(`${name} must be true or false`);
      return value === 'true';
    },
    list(name, why) {
      const value = why === undefined ? (text(name) ?? '') : required(name, why);
      const items = value
        .split(',')
        .map((item) => item.trim())
        .filter((item) => item !== '');
      if (value !== '' && items.length === 0) problems.push(`${name} is an empty list`);
      return items;
    },
    oneOf(name, words) {
      const value = text(name) ?? words[0];
      const word = words.find((one) => one === value);
      if (word === undefined) problems.push(`${name} must be ${words.join(' or ')}`);
      return word ?? words[0];
    },
    url: (name) => urlIn(name, text(name)),
    origin(name) {
      const url = urlIn(name, text(name)?.replaceAll('{region}', REGION_MARK));
      if (url === undefined) return undefined;
      if (url.pathname !== '/') problems.push(`${name} must have no path`);
      return url.origin.replaceAll(REGION_MARK, '{region}');
    },
    secretName(name) {
      const value = text(name);
      if (value !== undefined && !/^[0-9A-Za-z-]{1,127}$/.test(value)) {
        problems.push(`${name} must be the name of a secret: letters, digits and dashes`);
      }
      return value;
    },
  };
}

/** Stands for `{region}` while a URL is read: a brace is no part of a name. */
const REGION_MARK = 'region-of-the-call';

/** 127.0.0.0/8, ::1, `localhost` and names below it (RFC 6761): the only hosts that plain http is accepted for. */
function isLoopback(url: URL): boolean {
  return /(^|\.)localhost$/.test(url.hostname) || url.hostname === '[::1]' || /^127(\.\d{1,3}){3}$/.test(url.hostname);
}
