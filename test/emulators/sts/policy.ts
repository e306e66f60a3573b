/** A statement of an IAM policy, as far as the policies here go; anything else in one is an error of the test. */
export interface Statement {
  readonly Sid?: string;
  readonly Effect: 'Allow' | 'Deny';
  /** Of a trust policy only. */
  readonly Principal?: Readonly<Record<string, string | readonly string[]>>;
  readonly Action: string | readonly string[];
  /** Of an identity's policy only. */
  readonly Resource?: string | readonly string[];
  readonly Condition?: Readonly<Record<string, Readonly<Record<string, string | readonly string[]>>>>;
}

export interface PolicyDocument {
  readonly Version: '2012-10-17';
  readonly Statement: readonly Statement[];
}

/** What is asked for. */
export interface PolicyRequest {
  readonly action: string;
  /** Who asks, in every form in which a `Principal` may name it; absent for the policy of an identity. */
  readonly principals?: { readonly type: 'AWS' | 'Federated'; readonly names: readonly string[] };
  readonly resource?: string;
  /** Values of the condition keys, by name; a list for a key of several values. Absent keys match no condition. */
  readonly context: Readonly<Record<string, string | readonly string[] | undefined>>;
}

/** What the policy says: a denial that is spelt out beats what is allowed, and nothing said is no permission. */
export function evaluate(policy: PolicyDocument, request: PolicyRequest): 'allow' | 'deny' | 'none' {
  const effects = new Set(
    policy.Statement.filter((statement) => applies(statement, request)).map(({ Effect }) => Effect),
  );
  if (effects.has('Deny')) return 'deny';
  return effects.has('Allow') ? 'allow' : 'none';
}

const MEMBERS = new Set(['Sid', 'Effect', 'Principal', 'Action', 'Resource', 'Condition']);

function applies(statement: Statement, request: PolicyRequest): boolean {
  const unknown = Object.keys(statement).filter((name) => !MEMBERS.has(name));
  if (unknown.length > 0) throw new Error(`The emulator does not know these members of a statement: ${unknown.join()}`);
  return (
    list(statement.Action).some((action) => like(action, request.action, 'i')) &&
    (request.resource === undefined || list(statement.Resource).some((arn) => like(arn, request.resource ?? ''))) &&
    (request.principals === undefined || namesPrincipal(statement.Principal, request.principals)) &&
    Object.entries(statement.Condition ?? {}).every(([operator, keys]) =>
      Object.entries(keys).every(([key, wanted]) => holds(operator, list(wanted), valueOf(request.context, key))),
    )
  );
}

function namesPrincipal(
  named: Statement['Principal'],
  { type, names }: NonNullable<PolicyRequest['principals']>,
): boolean {
  return list(named?.[type]).some((name) => names.includes(name));
}

/** Names of condition keys do not depend on case, except for the tag in `aws:RequestTag/<key>`, which has one anyway. */
function valueOf(context: PolicyRequest['context'], key: string): string | readonly string[] | undefined {
  const name = Object.keys(context).find((known) => known.toLowerCase() === key.toLowerCase());
  return name === undefined ? undefined : context[name];
}

function holds(operator: string, wanted: readonly string[], value: string | readonly string[] | undefined): boolean {
  const [, quantifier, comparison = ''] = /^(?:(ForAllValues|ForAnyValue):)?(\w+)$/.exec(operator) ?? [];
  const compare = COMPARISONS[comparison];
  if (compare === undefined) throw new Error(`The emulator does not know the condition operator ${operator}.`);
  const values = list(value);
  const matches = (one: string) => wanted.some((other) => compare(other, one));
  // True without any value, as in IAM.
  if (quantifier === 'ForAllValues') return values.every(matches);
  if (quantifier === 'ForAnyValue') return values.some(matches);
  if (values.length > 1) throw new Error(`${operator} needs ForAllValues or ForAnyValue for a key of several values.`);
  return values.some(matches);
}

const COMPARISONS: Readonly<Record<string, (wanted: string, value: string) => boolean>> = {
  StringEquals: (wanted, value) => wanted === value,
  StringLike: (wanted, value) => like(wanted, value),
  Bool: (wanted, value) => wanted === value,
  NotIpAddress(wanted, value) {
    if (!wanted.endsWith('/32')) throw new Error('The emulator knows single addresses.');
    return wanted !== `${value}/32`;
  },
};

/** `*` for any characters, `?` for one. */
function like(pattern: string, value: string, flags = ''): boolean {
  const source = pattern
    .replaceAll(/[.+^${}()|[\]\\]/g, String.raw`\$&`)
    .replaceAll('*', '.*')
    .replaceAll('?', '.');
  return new RegExp(`^${source}$`, `s${flags}`).test(value);
}

function list(value: string | readonly string[] | undefined): readonly string[] {
  if (value === undefined) return [];
  return typeof value === 'string' ? [value] : value;
}
