/** Why nothing can be verified at all: the message says what to do, and holds nothing that was typed. */
export class Problem extends Error {
  override readonly name = 'Problem';
}
