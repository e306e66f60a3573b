import * as agentRuntime from '@aws-sdk/client-bedrock-agent-runtime';
import * as agentCore from '@aws-sdk/client-bedrock-agentcore';
import * as control from '@aws-sdk/client-bedrock';
import * as runtime from '@aws-sdk/client-bedrock-runtime';

/** An operation as AWS's own client has it. */
export interface ModelledOperation {
  readonly name: string;
  readonly method: string;
  readonly template: string;
  /** Parameters that are sent once at most. */
  readonly query: readonly string[];
  /** Parameters that may be sent several times. */
  readonly queryLists: readonly string[];
  /** Status of its success. */
  readonly status: number;
  /** Members that its JSON body must have; undefined where the body is bytes of the caller's own. */
  readonly required: readonly string[] | undefined;
  /** Headers of its answers, in lower case. */
  readonly answerHeaders: readonly string[];
  /** Events and exceptions of its event stream; undefined where the answer is none. */
  readonly events: readonly string[] | undefined;
}

/** Kinds of schemas, as Smithy's clients number them. */
const OPERATION = 9;

/** From here on a simple schema is one of lists or maps. */
const LIST = 64;

/** Traits of a member in a number, by their bits. */
const LABEL = 1;
const PAYLOAD = 16;

type Schema = readonly unknown[] | number;
type Traits = Readonly<Record<string, unknown>>;

interface Member {
  readonly name: string;
  readonly schema: Schema;
  readonly traits: Traits;
}

/** All operations of a client, from the schemas that it is made of. */
function operationsOf(client: object): readonly ModelledOperation[] {
  return Object.values(client)
    .filter((schema): schema is readonly unknown[] => Array.isArray(schema) && schema[0] === OPERATION)
    .map(([, , name, traits, input, output]) => {
      const [method, template, status] = (traits as { http: readonly [string, string, number] }).http;
      const [members, required] = membersOf(input);
      const answer = membersOf(output)[0];
      const stream = answer.map(({ schema }) => resolved(schema)).find(isEventStream);
      const inQuery = members.filter(({ traits: { httpQuery } }) => httpQuery !== undefined);
      const namesOf = (list: readonly Member[]) => list.map(({ traits: { httpQuery } }) => String(httpQuery));
      return {
        name: String(name),
        method,
        template,
        status,
        query: namesOf(inQuery.filter(({ schema }) => !isList(schema))),
        queryLists: namesOf(inQuery.filter(({ schema }) => isList(schema))),
        required: members.some(isPayload) ? undefined : required.filter(isInBody).map((member) => member.name),
        answerHeaders: answer.flatMap(({ traits: { httpHeader } }) =>
          httpHeader === undefined ? [] : String(httpHeader).toLowerCase(),
        ),
        events: stream?.[4] as readonly string[] | undefined,
      };
    });
}

/** The members of a structure, and those of them that it must have. */
function membersOf(structure: unknown): [members: readonly Member[], required: readonly Member[]] {
  const [, , , , names = [], schemas = [], required = 0] = (resolved(structure as Schema) as readonly unknown[]) ?? [];
  const members = (names as readonly string[]).map((name, index): Member => {
    const member = (schemas as readonly unknown[])[index];
    const [schema, traits] = isPair(member) ? member : [member as Schema, {}];
    return { name, schema, traits: typeof traits === 'number' ? traitsIn(traits) : traits };
  });
  if (members.some(({ traits: { httpQueryParams } }) => httpQueryParams !== undefined)) {
    throw new Error('a map of query parameters');
  }
  return [members, members.slice(0, Number(required))];
}

/** A schema and its traits; a list or structure has a number in its first place. */
function isPair(member: unknown): member is readonly [Schema, Traits | number] {
  return Array.isArray(member) && member.length === 2;
}

function traitsIn(bits: number): Traits {
  return { ...((bits & LABEL) > 0 && { httpLabel: 1 }), ...((bits & PAYLOAD) > 0 && { httpPayload: 1 }) };
}

function resolved(schema: unknown): readonly unknown[] | number {
  return (typeof schema === 'function' ? (schema as () => unknown)() : schema) as readonly unknown[] | number;
}

function isList(schema: Schema): boolean {
  const found = resolved(schema);
  // A list or map of one's own is an array that begins with 1 or 2.
  return typeof found === 'number' ? found >= LIST : found[0] === 1 || found[0] === 2;
}

function isEventStream(schema: Schema): schema is readonly unknown[] {
  return Array.isArray(schema) && Array.isArray(schema[4]) && (schema[3] as Traits | undefined)?.['streaming'] === 1;
}

function isInBody({ traits: { httpLabel, httpQuery, httpHeader } }: Member): boolean {
  return httpLabel === undefined && httpQuery === undefined && httpHeader === undefined;
}

function isPayload({ traits: { httpPayload } }: Member): boolean {
  return httpPayload !== undefined;
}

/** The operations of each service that has a client, by what its address begins with. */
export const MODELS: Readonly<Record<string, readonly ModelledOperation[]>> = {
  'bedrock-runtime': operationsOf(runtime),
  bedrock: operationsOf(control),
  'bedrock-agent-runtime': operationsOf(agentRuntime),
  'bedrock-agentcore': operationsOf(agentCore),
};
