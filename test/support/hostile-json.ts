import type { Random } from '../fuzz/random.ts';

/**
 * Parts of JSON in an order that no processor foresees: of about so many bytes.
 *
 * @param parts each of which may follow any other
 */
export function mixOf(random: Random, bytes: number, parts: readonly string[]): string {
  let text = '';
  while (text.length < bytes) text += random.pick(parts);
  return text;
}

/** An object whose levels open and close at random, at most nine hundred, with a member `x` behind them. */
export function hostileObject(random: Random, bytes: number): string {
  const open = ['}'];
  let text = '{"a":[';
  open.push(']');
  let first = true;
  while (text.length < bytes) {
    const choice = random.integer(20);
    if ((choice < 9 && open.length > 2) || open.length > 900) {
      text += open.pop() ?? '';
      first = false;
      continue;
    }
    if (!first) text += ',';
    if (open.at(-1) === '}') text += '"":';
    first = choice < 19;
    if (choice < 15) {
      text += '[';
      open.push(']');
    } else if (choice < 19) {
      text += '{';
      open.push('}');
    } else text += '1';
  }
  while (open.length > 1) text += open.pop() ?? '';
  return `${text},"x":1}`;
}
