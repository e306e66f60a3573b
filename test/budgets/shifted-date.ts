/** Preloaded by a worker whose clock is another one: `DATE_OFFSET_MS` is the difference from that of the machine. */
const offset = Number(process.env['DATE_OFFSET_MS'] ?? 0);
const now = Date.now.bind(Date);

if (offset !== 0) {
  globalThis.Date = new Proxy(Date, {
    construct: (target, args, newTarget) =>
      Reflect.construct(target, args.length === 0 ? [now() + offset] : args, newTarget) as object,
    get: (target, name, receiver) =>
      name === 'now' ? () => now() + offset : (Reflect.get(target, name, receiver) as unknown),
  });
}
