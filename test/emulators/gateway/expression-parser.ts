import { UnsupportedPolicyError } from './errors.ts';
import { tokenize, type Token } from './expression-tokens.ts';

export type Expression =
  | { readonly kind: 'literal'; readonly value: string | number | boolean | null }
  | { readonly kind: 'name'; readonly name: string }
  | { readonly kind: 'member'; readonly object: Expression; readonly name: string }
  | { readonly kind: 'call'; readonly object: Expression; readonly name: string; readonly args: readonly Expression[] }
  | { readonly kind: 'index'; readonly object: Expression; readonly key: Expression }
  /** `target?.access`: null when `target` is; `receiver` stands in `access` for its value. */
  | { readonly kind: 'conditionalAccess'; readonly target: Expression; readonly access: Expression }
  | { readonly kind: 'receiver' }
  | { readonly kind: 'cast'; readonly type: string; readonly operand: Expression }
  | { readonly kind: 'not'; readonly operand: Expression }
  | { readonly kind: 'binary'; readonly operator: string; readonly left: Expression; readonly right: Expression }
  | { readonly kind: 'choice'; readonly condition: Expression; readonly yes: Expression; readonly no: Expression }
  | { readonly kind: 'lambda'; readonly parameter: string; readonly body: Expression };

/** Binding powers of C#'s binary operators, weakest first. */
const BINARY: ReadonlyMap<string, number> = new Map([
  ['??', 2],
  ['||', 3],
  ['&&', 4],
  ['==', 5],
  ['!=', 5],
  ['<', 6],
  ['>', 6],
  ['<=', 6],
  ['>=', 6],
  ['+', 7],
]);
const CHOICE = 1;
const UNARY = 8;

const LITERALS: ReadonlyMap<string, boolean | null> = new Map([
  ['true', true],
  ['false', false],
  ['null', null],
]);
const CASTS: ReadonlySet<string> = new Set(['string', 'int', 'bool']);

/**
 * Parses a single-statement C# expression (the part between `@(` and `)`), by operator precedence.
 *
 * @throws UnsupportedPolicyError for syntax outside the subset above
 */
export function parseExpression(source: string): Expression {
  const tokens = tokenize(source);
  let position = 0;

  const peek = (ahead = 0): Token => tokens[position + ahead] ?? { kind: 'end', text: '' };
  const isSymbol = (text: string, ahead = 0): boolean => peek(ahead).kind === 'symbol' && peek(ahead).text === text;
  const fail = (): never => {
    throw new UnsupportedPolicyError(`unexpected "${peek().text}" in expression ${source}`);
  };
  const accept = (text: string): boolean => {
    if (!isSymbol(text)) return false;
    position += 1;
    return true;
  };
  const expect = (text: string): void => {
    if (!accept(text)) fail();
  };
  const takeName = (): string => {
    const { kind, text } = peek();
    if (kind !== 'name') fail();
    position += 1;
    return text;
  };

  function parse(minimum: number): Expression {
    let left = prefix();
    for (;;) {
      const operator = peek().kind === 'symbol' ? peek().text : '';
      const power = BINARY.get(operator);
      if (power !== undefined && power >= minimum) {
        position += 1;
        // `??` binds to the right, the others to the left.
        left = { kind: 'binary', operator, left, right: parse(operator === '??' ? power : power + 1) };
      } else if (operator === '?' && CHOICE >= minimum) {
        position += 1;
        const yes = parse(CHOICE);
        expect(':');
        left = { kind: 'choice', condition: left, yes, no: parse(CHOICE) };
      } else {
        return left;
      }
    }
  }

  function prefix(): Expression {
    if (accept('!')) return { kind: 'not', operand: parse(UNARY) };
    if (isSymbol('(') && peek(1).kind === 'name' && CASTS.has(peek(1).text) && isSymbol(')', 2)) {
      const type = peek(1).text;
      position += 3;
      return { kind: 'cast', type, operand: parse(UNARY) };
    }
    return postfix(primary());
  }

  function primary(): Expression {
    const { kind, text } = peek();
    if (accept('(')) {
      const inner = parse(0);
      expect(')');
      return inner;
    }
    position += 1;
    if (kind === 'string') return { kind: 'literal', value: text };
    if (kind === 'number') return { kind: 'literal', value: Number(text) };
    if (kind !== 'name') {
      position -= 1;
      return fail();
    }
    const constant = LITERALS.get(text);
    if (constant !== undefined) return { kind: 'literal', value: constant };
    if (accept('=>')) return { kind: 'lambda', parameter: text, body: parse(0) };
    return { kind: 'name', name: text };
  }

  function postfix(start: Expression): Expression {
    let object = start;
    for (;;) {
      if (accept('.')) {
        object = member(object);
      } else if (accept('[')) {
        object = { kind: 'index', object, key: parse(0) };
        expect(']');
      } else if (accept('?.')) {
        return { kind: 'conditionalAccess', target: object, access: postfix(member({ kind: 'receiver' })) };
      } else {
        return object;
      }
    }
  }

  function member(object: Expression): Expression {
    const name = takeName();
    if (!accept('(')) return { kind: 'member', object, name };
    const args: Expression[] = [];
    if (!isSymbol(')')) {
      do args.push(parse(0));
      while (accept(','));
    }
    expect(')');
    return { kind: 'call', object, name, args };
  }

  const expression = parse(0);
  return peek().kind === 'end' ? expression : fail();
}
