import { fork, type ForkOptions } from 'node:child_process';
import { once } from 'node:events';

/** What a child process can be asked: named functions of at most one argument. */
type Arguments<F> = F extends (...argument: infer A) => unknown ? A : never;
type Answer<F> = F extends (...argument: never) => infer R ? Awaited<R> : never;

interface Question {
  readonly id: number;
  readonly name: string;
  readonly argument: unknown;
}

type Reply = { readonly ready: true } | { readonly id: number; readonly value?: unknown; readonly error?: string };

/** A process that answers questions over its IPC channel. */
export interface Child<Service> {
  readonly pid: number;
  /** Rejects with the child's error, or when the child ends first. */
  ask<Name extends keyof Service & string>(
    name: Name,
    ...argument: Arguments<Service[Name]>
  ): Promise<Answer<Service[Name]>>;
  stop(): Promise<void>;
}

const STOP_GRACE_MS = 5000;

/** Forks a module that calls `serve`, and waits until it does. */
export async function startChild<Service>(
  file: string,
  args: readonly string[] = [],
  options: ForkOptions = {},
): Promise<Child<Service>> {
  const child = fork(file, args, { serialization: 'advanced', ...options });
  const waiting = new Map<number, { resolve(value: unknown): void; reject(error: Error): void }>();
  const ready = Promise.withResolvers<void>();
  let next = 0;

  child.on('message', (reply: Reply) => {
    if ('ready' in reply) return ready.resolve();
    const question = waiting.get(reply.id);
    waiting.delete(reply.id);
    if (reply.error === undefined) question?.resolve(reply.value);
    else question?.reject(new Error(reply.error));
  });
  const exited = once(child, 'exit');
  child.once('exit', (code) => {
    const error = new Error(`${file} exited with code ${String(code)}.`);
    ready.reject(error);
    for (const { reject } of waiting.values()) reject(error);
  });
  await ready.promise;

  return {
    pid: child.pid ?? 0,
    async ask(name, ...[argument]) {
      const { promise, resolve, reject } = Promise.withResolvers<unknown>();
      const question: Question = { id: next++, name, argument };
      waiting.set(question.id, { resolve, reject });
      child.send(question);
      return (await promise) as Answer<Service[typeof name]>;
    },
    async stop() {
      if (child.connected) child.disconnect();
      const kill = setTimeout(() => child.kill('SIGKILL'), STOP_GRACE_MS);
      await exited;
      clearTimeout(kill);
    },
  };
}

/** Called in the child: answers its parent's questions until the parent lets go of it. */
export function serve(service: object): void {
  const functions = service as Readonly<Record<string, (argument: unknown) => unknown>>;
  process.on('message', ({ id, name, argument }: Question) => {
    const answer = async () => functions[name]?.(argument);
    answer().then(
      (value) => process.send?.({ id, value }),
      (error: unknown) => process.send?.({ id, error: error instanceof Error ? error.stack : String(error) }),
    );
  });
  process.on('disconnect', () => process.exit());
  process.send?.({ ready: true });
}
