/** What an event of a stream carries, its `data:` lines in one (HTML, section 9.2.6); empty without any. */
export function dataOf(event: string): string {
  return event
    .split(/\r\n?|\n/)
    .filter((line) => line.startsWith('data:'))
    .map((line) => line.slice('data:'.length))
    .join('\n')
    .trim();
}
