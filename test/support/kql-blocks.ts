/** The KQL blocks of a Markdown text. */
export function kqlIn(markdown: string): string[] {
  return Array.from(markdown.matchAll(/^```kusto\n([\s\S]*?)^```$/gm), ([, query]) => query ?? '');
}

/** Those of the section that answers what is asked first. */
export function questionsIn(markdown: string): string[] {
  const [, section = ''] = markdown.split(/^## Three questions asked first$/m);
  return kqlIn(section.split(/^##+ /m, 1)[0] ?? '');
}
