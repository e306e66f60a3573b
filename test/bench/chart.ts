import { compare } from './compare.ts';
import { CONTENDER_NAMES, type ContenderName } from './contenders/all.ts';
import { describeRun, type Measured, type Run } from './results.ts';
import type { Spread } from './statistics.ts';
import { WORK_NAMES, WORKS } from './works.ts';

/**
 * The run as a picture: for each work, the calls that each contender answered in the time in which the floor answered
 * one. A logarithmic axis, on which twice as fast and half as fast are equally far from the floor.
 */
export function chart({ samples }: Pick<Measured, 'samples'>, run: Run): string {
  const rows = WORK_NAMES.filter((work) => work !== 'events' && work !== 'busy').map((work) => ({
    title: WORKS[work].title,
    dots: CONTENDER_NAMES.flatMap((name) => {
      const spread = compare(samples, work, 'requestsPerSecond', [name, 'floor'], 'ratio');
      return spread === undefined || name === 'floor' ? [] : [{ name, spread }];
    }),
  }));
  const names = CONTENDER_NAMES.filter((name) => name !== 'floor' && samples.get('small20')?.has(name));
  const bottom = TOP + ROW * rows.length;
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${bottom + 76}" font-family="system-ui, sans-serif" font-size="13">
<title>Throughput relative to the floor</title>
<style>${STYLE}</style>
<rect class="paper" width="100%" height="100%" rx="8"/>
<text x="24" y="32" font-size="16" font-weight="600">Calls answered while the floor answers one</text>
<text class="faint" x="24" y="52">floor: the same Functions host and libraries with a function that only forwards</text>
${legend(names)}
<text class="value" x="${LEFT - 24}" y="${TOP - 6}" text-anchor="end">ours</text>
${TICKS.map((tick) => axis(tick, bottom)).join('\n')}
${rows.map(({ title, dots }, index) => row(title, dots, TOP + ROW * (index + 0.5))).join('\n')}
<text class="faint" x="24" y="${bottom + 58}" font-size="11">Median of the rounds and its 95 % interval. ${escape(describeRun(run))}</text>
</svg>
`;
}

const WIDTH = 920;
const TOP = 120;
const ROW = 40;
const LEFT = 310;
const RIGHT = WIDTH - 40;

const TICKS = [0.125, 0.25, 0.5, 1, 2, 4, 8, 16, 32];

const LABELS: Readonly<Record<ContenderName, string>> = {
  direct: 'direct',
  floor: 'floor',
  ours: 'ours',
  before: 'before',
  httpxy: 'httpxy',
  nginx: 'nginx',
  portkey: 'Portkey, which also translates',
};

/** Colours that can be told apart by those who do not see red or green (Okabe and Ito), on white and on black. */
const COLOURS: Readonly<Record<ContenderName, string>> = {
  direct: '#8a8a8a',
  floor: '#8a8a8a',
  ours: '#0072b2',
  before: '#56b4e9',
  httpxy: '#009e73',
  nginx: '#d55e00',
  portkey: '#a8558c',
};

const STYLE = `
text { fill: #1f2328 } .faint { fill: #59636e } .paper { fill: #ffffff; stroke: #d1d9e0 } .grid { stroke: #d1d9e0 }
.floor { stroke: #59636e; stroke-width: 1.5 } 
.ours { fill: #0072b2; stroke: #0072b2 } .value { fill: #0072b2; font-weight: 600 }
@media (prefers-color-scheme: dark) {
  text { fill: #f0f6fc } .faint { fill: #9198a1 } .paper { fill: #0d1117; stroke: #3d444d } .grid { stroke: #3d444d }
  .floor { stroke: #9198a1 } .ours { fill: #4aa8e0; stroke: #4aa8e0 } .value { fill: #4aa8e0 }
}
`;

function at(ratio: number): number {
  const [first = 1, last = 1] = [TICKS[0], TICKS.at(-1)];
  const clamped = Math.min(Math.max(ratio, first), last);
  return round(LEFT + ((RIGHT - LEFT) * Math.log2(clamped / first)) / Math.log2(last / first));
}

function axis(tick: number, bottom: number): string {
  const label = tick === 1 ? '1 (floor)' : String(tick);
  return `<line class="${tick === 1 ? 'floor' : 'grid'}" x1="${at(tick)}" x2="${at(tick)}" y1="${TOP}" y2="${bottom}"/>
<text class="faint" x="${at(tick)}" y="${bottom + 20}" text-anchor="middle">${label}</text>`;
}

function row(title: string, dots: readonly { name: ContenderName; spread: Spread }[], y: number): string {
  const marks = dots.map(({ name, spread: { low, median, high } }, index) => {
    const level = y + (index - (dots.length - 1) / 2) * 7;
    return `<g ${paint(name)}><line x1="${at(low)}" x2="${at(high)}" y1="${level}" y2="${level}" stroke-width="2"/><circle cx="${at(median)}" cy="${level}" r="${name === 'ours' ? 5 : 4}"/></g>`;
  });
  const ours = dots.find(({ name }) => name === 'ours')?.spread.median;
  return `<text x="24" y="${y + 4}">${escape(title)}</text>
<text class="value" x="${LEFT - 24}" y="${y + 4}" text-anchor="end">${ours === undefined ? '' : ours.toFixed(2)}</text>
${marks.join('\n')}`;
}

function legend(names: readonly ContenderName[]): string {
  return names
    .map((name, index) => {
      const x = 30 + 100 * index;
      return `<circle ${paint(name)} cx="${x}" cy="78" r="5"/><text x="${x + 12}" y="82">${LABELS[name]}</text>`;
    })
    .join('\n');
}

function paint(name: ContenderName): string {
  return name === 'ours' ? 'class="ours"' : `fill="${COLOURS[name]}" stroke="${COLOURS[name]}"`;
}

function round(value: number): number {
  return Math.round(10 * value) / 10;
}

function escape(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
}
