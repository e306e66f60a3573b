import { type AnswerSource, EVENT_STREAM } from '../emulators/bedrock/answer.ts';
import {
  closeBeforeHeaders,
  cutAt,
  exceptionFrame,
  fail,
  slowly,
  splitAt,
  stall,
} from '../emulators/bedrock/faults.ts';
import type { Responder } from '../emulators/bedrock/received-request.ts';
import type { Operation, Shape } from './operations.ts';
import { COMPLETE, LEFT } from './outcome.ts';

/** What a caller does wrong. */
export type Misbehaviour =
  | 'leavesAtOnce'
  | 'leavesMidway'
  | 'cutsUpload'
  | 'stallsUpload'
  | 'tooLarge'
  | 'badModel'
  | 'noOperation'
  | 'noKey';

export interface Fault {
  readonly name: string;
  /** What Bedrock does in the place of this answer, or the caller. */
  readonly bedrock?: (answer: AnswerSource) => Responder;
  /** Whether that is a refusal, by which nothing was generated. */
  readonly refuses?: true;
  /** Whether only the first region does it. */
  readonly inOneRegion?: true;
  readonly caller?: Misbehaviour;
  /** Shapes of answers that can have it; default: all. */
  readonly shapes?: readonly Shape[];
  /** Types of errors that the record has in the place of the one that the caller is told. */
  readonly recordedAs?: readonly string[];
  /** The only outcomes that the fault explains. */
  readonly explains: Readonly<Record<Shape, readonly string[]>>;
  /**
   * After refused keys the vault is asked at most once in ten seconds. A refusal without a reason shortly before a
   * rotation would use that up, and the calls right after the rotation would get AWS's refusal; so this fault keeps
   * its distance.
   */
  readonly notBeforeRotation?: boolean;
}

function always(...outcomes: string[]): Fault['explains'] {
  return { plain: outcomes, frames: outcomes, events: outcomes };
}

const UNAVAILABLE = '503 ServiceUnavailableException';
const TIMEOUT = '408 ModelTimeoutException';
/** Kestrel ends a stalled upload itself, by an empty 500. */
const STALLED = '500 without a type';
/** Stands for the exception of the operation. */
const BROKEN_FRAMES = 'exception';
const BROKEN_EVENTS = 'error event';

/** The outcomes that a fault explains, absent: none. */
export function explained(fault: Fault | undefined, { shape, exception = '' }: Operation): readonly string[] {
  const outcomes = fault?.explains[shape] ?? [COMPLETE];
  return outcomes.map((outcome) => (outcome === BROKEN_FRAMES ? `exception ${exception}` : outcome));
}

/** The header by which a request to Bedrock asks for its fault; its value is the fault's name. */
export const FAULT_HEADER = 'x-amzn-bedrock-fault';

export const FAULTS: readonly Fault[] = [
  {
    name: 'throttled',
    bedrock: () => fail(429, 'ThrottlingException', '-'),
    refuses: true,
    explains: always('429 ThrottlingException'),
  },
  {
    name: 'throttled in one region',
    bedrock: () => fail(429, 'ThrottlingException', '-'),
    refuses: true,
    inOneRegion: true,
    // The other one may be resting.
    explains: always(COMPLETE, '429 ThrottlingException'),
  },
  {
    name: 'unavailable in one region',
    bedrock: () => fail(503, 'ServiceUnavailableException', '-'),
    refuses: true,
    inOneRegion: true,
    explains: always(COMPLETE, UNAVAILABLE),
  },
  {
    name: 'internal failure',
    bedrock: () => fail(500, 'InternalServerException', '-'),
    refuses: true,
    explains: always('500 InternalServerException'),
  },
  {
    name: 'unavailable',
    bedrock: () => fail(503, 'ServiceUnavailableException', '-'),
    refuses: true,
    explains: always(UNAVAILABLE),
  },
  {
    name: 'access denied',
    bedrock: () => fail(403, 'AccessDeniedException', '-'),
    refuses: true,
    explains: always('403 AccessDeniedException'),
  },
  {
    name: 'signature refused',
    bedrock: () => fail(403, 'InvalidSignatureException', '-'),
    refuses: true,
    explains: always(COMPLETE, UNAVAILABLE),
    // Which of AWS's refusals it was, is for the operator.
    recordedAs: ['InvalidSignatureException', 'UnrecognizedClientException'],
    notBeforeRotation: true,
  },
  { name: 'hangs up', bedrock: () => closeBeforeHeaders, explains: always(UNAVAILABLE) },
  { name: 'hangs up after headers', bedrock: (answer) => cutAt(0, answer), explains: always(UNAVAILABLE) },
  {
    name: 'hangs up midway',
    bedrock: (answer) => cutAt(400, answer),
    explains: {
      plain: [UNAVAILABLE],
      frames: [UNAVAILABLE, BROKEN_FRAMES],
      events: [UNAVAILABLE, BROKEN_EVENTS],
    },
    shapes: ['frames', 'events'],
  },
  { name: 'hangs up in JSON', bedrock: (answer) => cutAt(1, answer), explains: always(UNAVAILABLE), shapes: ['plain'] },
  { name: 'silent', bedrock: (answer) => stall('beforeHeaders', answer), explains: always(TIMEOUT) },
  { name: 'silent after headers', bedrock: (answer) => stall('afterHeaders', answer), explains: always(TIMEOUT) },
  {
    name: 'silent midway',
    bedrock: (answer) => stall('midBody', answer),
    // Half of a stream of one event is none.
    explains: { plain: [TIMEOUT], frames: [BROKEN_FRAMES], events: [BROKEN_EVENTS, TIMEOUT] },
  },
  {
    name: 'exception frame',
    bedrock: (answer) => exceptionFrame('throttlingException', '-', answer),
    explains: always('exception throttlingException'),
    shapes: ['frames'],
  },
  {
    name: 'no frames',
    bedrock: () => splitAt(20, Buffer.from('This is no event stream. '.repeat(20)), EVENT_STREAM),
    explains: always(UNAVAILABLE),
    shapes: ['frames'],
  },
  { name: 'drips', bedrock: (answer) => slowly(answer, 100, 5), explains: always(COMPLETE) },
  { name: 'caller leaves', caller: 'leavesAtOnce', explains: always(LEFT) },
  { name: 'caller leaves midway', caller: 'leavesMidway', explains: always(LEFT) },
  { name: 'caller cuts upload', caller: 'cutsUpload', explains: always(LEFT) },
  { name: 'caller stalls upload', caller: 'stallsUpload', explains: always(STALLED) },
  { name: 'body too large', caller: 'tooLarge', explains: always('413 RequestEntityTooLargeException') },
  { name: 'bad model id', caller: 'badModel', explains: always('400 ValidationException') },
  { name: 'unknown operation', caller: 'noOperation', explains: always('404 UnknownOperationException') },
  { name: 'no subscription key', caller: 'noKey', explains: always('401 UnauthorizedException') },
];

/** Whether the call's operation cannot be known from its request. */
export function isUnread(fault: Fault | undefined): boolean {
  return fault?.caller !== undefined && !LEAVES.has(fault.caller);
}

const LEAVES: ReadonlySet<Misbehaviour> = new Set<Misbehaviour>(['leavesAtOnce', 'leavesMidway']);
