import { StsError } from './sts-error.ts';

/** The parameters of a call by their names in the API. */
export interface Parameters {
  readonly RoleArn: string;
  readonly RoleSessionName: string;
  readonly DurationSeconds?: number;
  readonly Policy?: string;
  readonly WebIdentityToken?: string;
  readonly ExternalId?: string;
  readonly Tags: readonly Tag[];
  readonly TransitiveTagKeys: readonly string[];
}

export interface Tag {
  readonly Key: string;
  readonly Value: string;
}

interface Rule {
  readonly min: number;
  readonly max: number;
  readonly pattern?: RegExp;
  readonly required?: true;
}

/**
 * Limits of the API model 2011-06-15, whose patterns match the whole value; that of a role's ARN, which lets any text pass
 * there, is here what STS takes.
 */
const RULES: Readonly<Record<string, Rule>> = {
  RoleArn: {
    min: 20,
    max: 2048,
    pattern: /^arn:[\w-]+:iam::\d{12}:role\/[\u0021-\u007E]+$/,
    required: true,
  },
  RoleSessionName: { min: 2, max: 64, pattern: /^[\w+=,.@-]*$/, required: true },
  DurationSeconds: { min: 900, max: 43_200 },
  Policy: { min: 1, max: 2048 },
  WebIdentityToken: { min: 4, max: 20_000, required: true },
  ExternalId: { min: 2, max: 1224, pattern: /^[\w+=,.@:/-]*$/ },
};
const TAG_KEY: Rule = { min: 1, max: 128, pattern: /^[\p{L}\p{Z}\p{N}_.:/=+\-@]+$/u };
const TAG_VALUE: Rule = { min: 0, max: 256, pattern: /^[\p{L}\p{Z}\p{N}_.:/=+\-@]*$/u };
const MOST_TAGS = 50;

/** What each action takes; of all else there is, the emulator says that it does not know it. */
const TAKEN: Readonly<Record<string, readonly string[]>> = {
  AssumeRole: ['RoleArn', 'RoleSessionName', 'DurationSeconds', 'Policy', 'ExternalId'],
  AssumeRoleWithWebIdentity: ['RoleArn', 'RoleSessionName', 'DurationSeconds', 'Policy', 'WebIdentityToken'],
};

/** Whether the emulator has this action. */
export function isAction(action: string): boolean {
  return Object.hasOwn(TAKEN, action);
}

/**
 * Reads the form of a call.
 *
 * @throws StsError `ValidationError` with every limit that is not kept; Error for a parameter that STS may have and the
 *   emulator does not
 */
export function readParameters(action: string, form: URLSearchParams): Parameters {
  const names = TAKEN[action] ?? [];
  const tags = action === 'AssumeRole' ? tagsOf(form) : [];
  const transitive = action === 'AssumeRole' ? listOf(form, 'TransitiveTagKeys') : [];
  const known = (name: string) =>
    ['Action', 'Version', ...names].includes(name) ||
    (action === 'AssumeRole' && /^(?:Tags\.member\.\d+\.(?:Key|Value)|TransitiveTagKeys\.member\.\d+)$/.test(name));
  const unknown = [...form.keys()].filter((name) => !known(name));
  if (unknown.length > 0) throw new Error(`${action} was called with ${unknown.join()}, which the emulator lacks.`);

  const problems = names.flatMap((name) => problemsOf(memberName(name), form.get(name) ?? undefined, RULES[name]));
  for (const [index, { Key, Value }] of tags.entries()) {
    problems.push(...problemsOf(`tags.${index + 1}.member.key`, Key, TAG_KEY));
    problems.push(...problemsOf(`tags.${index + 1}.member.value`, Value, TAG_VALUE));
  }
  if (tags.length > MOST_TAGS) {
    problems.push(constraint('tags', '[...]', `Member must have length less than or equal to ${MOST_TAGS}`));
  }
  if (problems.length > 0) {
    const count = `${problems.length} validation error${problems.length === 1 ? '' : 's'} detected`;
    throw invalid(`${count}: ${problems.join('; ')}`);
  }
  checkTagKeys(tags, transitive);
  const optional = (name: string) => {
    const value = form.get(name);
    return value === null ? {} : { [name]: name === 'DurationSeconds' ? Number(value) : value };
  };
  return {
    RoleArn: form.get('RoleArn') ?? '',
    RoleSessionName: form.get('RoleSessionName') ?? '',
    ...Object.assign({}, ...names.slice(2).map(optional)),
    Tags: tags,
    TransitiveTagKeys: transitive,
  };
}

/** 400 ValidationError. */
export function invalid(message: string): StsError {
  return new StsError(400, 'ValidationError', message);
}

function problemsOf(name: string, value: string | undefined, rule: Rule | undefined): string[] {
  if (rule === undefined) throw new Error(`No rule for ${name}.`);
  const { min, max, pattern, required } = rule;
  if (value === undefined) return required ? [constraint(name, 'null', 'Member must not be null')] : [];
  if (name === 'durationSeconds') return problemsOfDuration(name, value, rule);
  const problems: string[] = [];
  const fail = (text: string) => problems.push(constraint(name, `'${value}'`, text));
  if (value.length < min) fail(`Member must have length greater than or equal to ${min}`);
  if (value.length > max) fail(`Member must have length less than or equal to ${max}`);
  if (pattern?.test(value) === false) {
    fail(`Member must satisfy regular expression pattern: ${pattern.source.slice(1, -1)}`);
  }
  return problems;
}

function problemsOfDuration(name: string, value: string, { min, max }: Rule): string[] {
  const seconds = Number(value);
  if (!/^\d+$/.test(value)) throw new StsError(400, 'MalformedInput', `${name} is no number`);
  if (seconds < min) return [constraint(name, `'${value}'`, `Member must have value greater than or equal to ${min}`)];
  return seconds > max ? [constraint(name, `'${value}'`, `Member must have value less than or equal to ${max}`)] : [];
}

function constraint(name: string, value: string, text: string): string {
  return `Value ${value} at '${name}' failed to satisfy constraint: ${text}`;
}

function checkTagKeys(tags: readonly Tag[], transitive: readonly string[]): void {
  const keys = tags.map(({ Key }) => Key.toLowerCase());
  if (new Set(keys).size < keys.length) {
    throw new StsError(
      400,
      'InvalidParameterValue',
      'Duplicate tag keys found. Please note that Tag keys are case insensitive.',
    );
  }
  if (keys.some((key) => key.startsWith('aws:'))) {
    throw invalid('The tag keys must not start with the reserved prefix aws:');
  }
  if (!transitive.every((key) => keys.includes(key.toLowerCase()))) {
    throw invalid('One of the specified transitive tag keys is not a key of the session tags.');
  }
}

function tagsOf(form: URLSearchParams): Tag[] {
  const tags: Tag[] = [];
  for (let index = 1; form.has(`Tags.member.${index}.Key`); index += 1) {
    const Value = form.get(`Tags.member.${index}.Value`) ?? '';
    tags.push({ Key: form.get(`Tags.member.${index}.Key`) ?? '', Value });
  }
  return tags;
}

function listOf(form: URLSearchParams, name: string): string[] {
  const values: string[] = [];
  for (let index = 1; form.has(`${name}.member.${index}`); index += 1) {
    values.push(form.get(`${name}.member.${index}`) ?? '');
  }
  return values;
}

function memberName(name: string): string {
  return name.charAt(0).toLowerCase() + name.slice(1);
}
