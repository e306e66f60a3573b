import type { Syntax } from './language.ts';

/** A part of the language that is not known here. It is an error, so that nothing is guessed. */
export class UnknownSyntax extends Error {
  constructor(what: string, { start }: Syntax) {
    super(`${what} is not known to this engine (offset ${start}).`);
  }
}

/** The child at the position. @throws UnknownSyntax where there is none */
export function childAt(node: Syntax, index: number): Syntax {
  const child = node.children[index];
  if (child === undefined) throw new UnknownSyntax(`${node.kind} without a part ${index}`, node);
  return child;
}

/** The one child of the kind. @throws UnknownSyntax where there is none */
export function childOf(node: Syntax, kind: string): Syntax {
  const child = node.children.find((candidate) => candidate.kind === kind);
  if (child === undefined) throw new UnknownSyntax(`${node.kind} without ${kind}`, node);
  return child;
}

/** Arguments of a call. */
export function argumentsOf(node: Syntax): readonly Syntax[] {
  return childOf(childOf(node, 'ExpressionList'), 'List').children;
}
