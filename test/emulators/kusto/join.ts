import type { Column, Syntax } from './language.ts';
import type { ReadTable, Table } from './operators.ts';
import { childAt, childOf, UnknownSyntax } from './syntax.ts';
import type { Row } from './values.ts';

/**
 * `join kind=inner`, `join kind=leftouter` and `lookup`, on columns that are equal.
 *
 * @param columns of the result: those of the left side, then those of the right one, renamed where the names meet;
 *   `lookup` leaves the keys of the right one out
 */
export function join(operator: Syntax, left: Table, columns: readonly Column[], readTable: ReadTable): readonly Row[] {
  const kind = kindOf(operator);
  const table = operator.children.find((child) => child.columns !== undefined);
  if (table === undefined) throw new UnknownSyntax('A join without a table', operator);
  const right = readTable(table);
  const keys = childOf(childOf(operator, 'JoinOnClause'), 'List').children.map(keyOf);
  const shown = right.columns.filter(
    ({ name }) => operator.kind === 'JoinOperator' || keys.every((key) => key.right !== name),
  );
  if (columns.length !== left.columns.length + shown.length) throw new Error('Both sides make the columns of a join.');
  const names = columns.slice(left.columns.length).map(({ name }) => name);
  return left.rows.flatMap((row) => {
    const partners = right.rows.filter((candidate) => keys.every((key) => row[key.left] === candidate[key.right]));
    if (partners.length === 0 && kind === 'inner') return [];
    return (partners.length === 0 ? [undefined] : partners).map((partner) => {
      // Without a partner the columns are null, those of strings empty.
      const values = shown.map(({ name, type }, index) => [
        names[index] ?? '',
        partner === undefined ? (type === 'string' ? '' : null) : (partner[name] ?? null),
      ]);
      return Object.assign({}, row, Object.fromEntries(values)) as Row;
    });
  });
}

function kindOf(operator: Syntax): 'inner' | 'leftouter' {
  const parameters = operator.children.find(({ kind }) => kind === 'List')?.children ?? [];
  const [kind, ...others] = parameters.map((parameter) => childAt(childAt(parameter, 2), 0).text);
  if (kind === undefined && operator.kind === 'LookupOperator') return 'leftouter';
  if ((kind === 'inner' || kind === 'leftouter') && others.length === 0) return kind;
  // Without a kind, a join takes one row of the left side for each key: seldom what is meant.
  throw new UnknownSyntax(`A join of the kind ${kind ?? 'innerunique'}`, operator);
}

/** `on Name`, or `on $left.Name == $right.Other`. */
function keyOf(node: Syntax): { left: string; right: string } {
  if (node.kind === 'NameReference') return { left: node.name ?? '', right: node.name ?? '' };
  if (node.kind !== 'EqualExpression') throw new UnknownSyntax(`A join on ${node.kind}`, node);
  return { left: childAt(childAt(node, 0), 2).name ?? '', right: childAt(childAt(node, 2), 2).name ?? '' };
}
