import { randomUUID } from 'node:crypto';

/** A version of a secret, in the shape of the service's SecretBundle. */
export interface SecretBundle {
  readonly value: string;
  readonly id: string;
  readonly attributes: {
    readonly enabled: boolean;
    /** Unix seconds, like `updated`. */
    readonly created: number;
    readonly updated: number;
    readonly exp?: number;
    readonly recoveryLevel: string;
    readonly recoverableDays: number;
  };
  readonly contentType?: string;
  readonly tags?: Readonly<Record<string, string>>;
}

/** What a version may have besides its value. */
export interface SecretDetails {
  readonly contentType?: string | undefined;
  /** Unix seconds. */
  readonly exp?: number | undefined;
  readonly tags?: Readonly<Record<string, string>> | undefined;
}

export interface SecretStore {
  /** Adds a version, which is the current one from now on, and returns its id, 32 hexadecimal digits. */
  set(name: string, value: string, details?: SecretDetails): string;
  /** Every version, the oldest first. */
  versions(name: string): readonly SecretBundle[];
  /** Enables or disables a version. */
  enable(name: string, version: string, enabled: boolean): void;
  /** Disables the current version; older ones do not take its place. */
  disable(name: string): void;
  /** Deletes the secret with all its versions. */
  remove(name: string): void;
  /** The version asked for, or the current one. */
  find(name: string, version?: string): SecretBundle | undefined;
}

/** The secrets of the vault at `vaultUrl`. `disable` and `remove` throw for a name that is not there. */
export function createSecretStore(vaultUrl: string, initial: Readonly<Record<string, string>>): SecretStore {
  /** Versions by name, the oldest first. */
  const secrets = new Map<string, SecretBundle[]>();

  function versions(name: string): SecretBundle[] {
    const found = secrets.get(name);
    if (found === undefined) throw new Error(`The vault has no secret named ${name}.`);
    return found;
  }

  const store: SecretStore = {
    versions: (name) => secrets.get(name) ?? [],
    enable(name, version, enabled) {
      const all = versions(name);
      const at = all.findIndex(({ id }) => id.endsWith(`/${version}`));
      const found = all[at];
      if (found === undefined) throw new Error(`The secret ${name} has no version ${version}.`);
      all[at] = { ...found, attributes: { ...found.attributes, enabled, updated: Math.floor(Date.now() / 1000) } };
    },
    set(name, value, { contentType, exp, tags } = {}) {
      const version = randomUUID().replaceAll('-', '');
      const now = Math.floor(Date.now() / 1000);
      const attributes = {
        enabled: true,
        created: now,
        updated: now,
        ...(exp === undefined ? {} : { exp }),
        recoveryLevel: 'Recoverable',
        recoverableDays: 90,
      };
      const id = `${vaultUrl}/secrets/${name}/${version}`;
      const bundle = {
        value,
        id,
        attributes,
        ...(contentType === undefined ? {} : { contentType }),
        ...(tags === undefined ? {} : { tags }),
      };
      secrets.set(name, [...(secrets.get(name) ?? []), bundle]);
      return version;
    },
    disable(name) {
      store.enable(name, versions(name).at(-1)?.id.split('/').at(-1) ?? '', false);
    },
    remove(name) {
      versions(name);
      secrets.delete(name);
    },
    find: (name, version) =>
      version ? secrets.get(name)?.find(({ id }) => id.endsWith(`/${version}`)) : secrets.get(name)?.at(-1),
  };
  for (const [name, value] of Object.entries(initial)) store.set(name, value);
  return store;
}
