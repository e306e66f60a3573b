import { createRequire } from 'node:module';

/** What is used of Microsoft's parser for the Kusto Query Language, the C# library compiled to JavaScript. */
interface KustoLanguage {
  readonly KustoCode: { ParseAndAnalyze(text: string, globals: unknown): LanguageCode };
  readonly GlobalState: { readonly Default: { WithDatabase(database: unknown): unknown } };
  readonly Symbols: {
    readonly TableSymbol: { From(schema: string): { WithName(name: string): unknown } };
    readonly DatabaseSymbol: { readonly ctor: new (name: string, members: readonly unknown[]) => unknown };
  };
  readonly Syntax: { readonly SyntaxKind: Readonly<Record<string, unknown>> };
}

interface LanguageCode {
  readonly Syntax: LanguageNode;
  GetDiagnostics(): LanguageList<{ Severity: string; Code: string; Message: string; Start: number }>;
}

interface LanguageList<Item> {
  readonly Count: number;
  getItem(index: number): Item;
}

interface LanguageNode {
  readonly Kind: number;
  readonly ChildCount: number;
  readonly TextStart: number;
  readonly Text?: string;
  /** Of a name, without the brackets and quotes that it may stand in. */
  readonly SimpleName?: string;
  readonly LiteralValue?: unknown;
  readonly ResultType?: { readonly Name: string; readonly Columns?: LanguageList<LanguageColumn> };
  GetChild(index: number): LanguageNode | null;
}

interface LanguageColumn {
  readonly Name: string;
  readonly Type: { readonly Name: string };
}

export interface Column {
  readonly name: string;
  /** Scalar type: `string`, `long`, `real`, `bool`, `datetime`, `timespan`, `dynamic`, `int`. */
  readonly type: string;
}

/** Columns by name, and their types. */
export type TableSchema = Readonly<Record<string, string>>;

/** A node or a token of a query, with what the semantic analysis has found out about it. */
export interface Syntax {
  /** The library's name of it: `PipeExpression`, `DescKeyword`. */
  readonly kind: string;
  /** Offset in the query. */
  readonly start: number;
  /** Of a token. */
  readonly text: string;
  /** Of a name. */
  readonly name: string | undefined;
  /** Of a literal; null for `real(null)` and the like. */
  readonly literal: unknown;
  /** Scalar type of the result; empty for a table. */
  readonly type: string;
  /** Of a result that is a table. */
  readonly columns: readonly Column[] | undefined;
  readonly children: readonly Syntax[];
}

export interface Analysis {
  readonly syntax: Syntax;
  /** Errors, warnings and suggestions, one line each. */
  readonly diagnostics: readonly string[];
}

const load = createRequire(import.meta.url);
let loaded: { readonly language: KustoLanguage; readonly kinds: ReadonlyMap<unknown, string> } | undefined;

/** Parses a query and binds its names and types against the tables. */
export function analyze(query: string, tables: Readonly<Record<string, TableSchema>>): Analysis {
  const { language, kinds } = (loaded ??= loadLanguage());
  const { TableSymbol, DatabaseSymbol } = language.Symbols;
  const symbols = Object.entries(tables).map(([name, schema]) => {
    const columns = Object.entries(schema).map(([column, type]) => `['${column}']: ${type}`);
    return TableSymbol.From(`(${columns.join(', ')})`).WithName(name);
  });
  const globals = language.GlobalState.Default.WithDatabase(new DatabaseSymbol.ctor('workspace', symbols));
  const code = language.KustoCode.ParseAndAnalyze(query, globals);
  const diagnostics = itemsOf(code.GetDiagnostics()).map(({ Severity, Code, Message, Start }) => {
    const before = query.slice(0, Start).split('\n');
    return `${before.length}:${(before.at(-1) ?? '').length + 1} ${Severity} ${Code} ${Message}`;
  });
  return { syntax: convert(code.Syntax, kinds), diagnostics };
}

/** Columns of what the query returns. */
export function resultOf({ syntax }: Analysis): readonly Column[] {
  const statements = syntax.children.flatMap(({ children }) => children);
  return statements.at(-1)?.children[0]?.columns ?? [];
}

/** All nodes, a node before what is in it. */
export function* nodesOf(syntax: Syntax): Generator<Syntax> {
  yield syntax;
  for (const child of syntax.children) yield* nodesOf(child);
}

/** It has no exports: both scripts define globals. */
function loadLanguage() {
  load('@kusto/language-service-next/bridge.min.js');
  load('@kusto/language-service-next/Kusto.Language.Bridge.min.js');
  const language = (globalThis as unknown as { Kusto: { Language: KustoLanguage } }).Kusto.Language;
  const kinds = new Map(Object.entries(language.Syntax.SyntaxKind).map(([name, value]) => [value, name]));
  return { language, kinds };
}

function convert(node: LanguageNode, kinds: ReadonlyMap<unknown, string>): Syntax {
  const children: Syntax[] = [];
  for (let index = 0; index < node.ChildCount; index += 1) {
    const child = node.GetChild(index);
    if (child === null) continue;
    const converted = convert(child, kinds);
    // Commas say nothing that the list does not say.
    children.push(converted.kind === 'SeparatedElement' ? (converted.children[0] ?? converted) : converted);
  }
  const { ResultType: type, LiteralValue: literal, SimpleName: name, Text: text, TextStart: start } = node;
  const columns = type?.Columns;
  return {
    kind: kinds.get(node.Kind) ?? String(node.Kind),
    start,
    text: text ?? '',
    name,
    literal: literal === undefined || literal === null ? null : plain(literal),
    type: type?.Name ?? '',
    columns: columns && itemsOf(columns).map(({ Name, Type }) => ({ name: Name, type: Type.Name })),
    children,
  };
}

/** Literals as JavaScript has them; timespans in milliseconds. */
function plain(literal: unknown): unknown {
  if (typeof literal !== 'object' || literal === null) return literal;
  if ('$boxed' in literal && 'v' in literal) return literal.v;
  if ('getTotalMilliseconds' in literal) return (literal.getTotalMilliseconds as () => number)();
  if ('toNumber' in literal) return (literal.toNumber as () => number)();
  throw new Error(`A literal of an unknown type: ${String(literal)}`);
}

function itemsOf<Item>(list: LanguageList<Item>): Item[] {
  return Array.from({ length: list.Count }, (_, index) => list.getItem(index));
}
