import type { Comparison } from './compare.ts';
import type { Spread } from './statistics.ts';

/** The median, its interval and, of a comparison, how far that may be off. */
export function withInterval(spread: Spread | Comparison | undefined): string {
  if (spread === undefined) return '-';
  const { median, low, high } = spread;
  if (low === high) return number(median);
  const off = 'uncertainty' in spread ? ` ±${(100 * spread.uncertainty).toFixed(1)} %` : '';
  return `${number(median)} (${number(low)}..${number(high)})${off}`;
}

/** Three significant digits, and no fewer than the digits before the point. */
function number(value: number): string {
  return Math.abs(value) >= 100 ? value.toFixed(0) : value.toPrecision(3);
}
