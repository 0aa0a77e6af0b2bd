import type { Operation } from '../types.ts';
import { escape } from './html.ts';
import { formatStretch, type Led } from './leaders.ts';
import type { Window } from './window.ts';
import { formatTime, labelOf, tellOperation } from './words.ts';

/** One window as a picture: clients as rows, operations as bars, what the nemesis did as bands. */

const width = 1_200;
const gutter = 120;
const top = 34;
const rowHeight = 20;
const barHeight = 15;
const barWidthMin = 3;
/** Characters of 11 px at that size. */
const charWidth = 6.2;
const ticks = 8;

/** `id` makes the places of the named operations: `id-o17`. */
export function windowPicture(window: Window, id: string, led: readonly Led[] = []): string {
  const rows = rowsOf(window);
  const leaders = leaderRows(window, led);
  const rowsTop = top + leaders.length * rowHeight;
  const height = rowsTop + rows.length * rowHeight + 8;
  const spanUs = Math.max(1, window.endUs - window.startUs);
  const x = (us: number): number => {
    const share = (us - window.startUs) / spanUs;
    return gutter + Math.min(1, Math.max(0, share)) * (width - gutter);
  };
  const parts = [
    ...grid(window, x, height),
    ...window.events.map(({ startUs, endUs, what }) => {
      const left = x(startUs);
      const told = escape(`${what}, ${formatTime(startUs)} to ${formatTime(endUs)}`);
      const size = `width="${round(Math.max(2, x(endUs) - left))}" height="${height}"`;
      return (
        `<rect class="band" x="${round(left)}" y="0" ${size} data-told="${told}"/>` +
        `<text x="${round(left + 3)}" y="24">${escape(what)}</text>`
      );
    }),
    ...leaders.flatMap((each, i) => leaderRow(each, x, top + i * rowHeight)),
    ...rows.flatMap((row, i) => {
      const y = rowsTop + i * rowHeight;
      const label = `<text x="4" y="${y + 12}">${escape(row.label)}</text>`;
      return [label, ...row.operations.map((each) => bar(each, { window, id, x, y }))];
    }),
  ];
  const open = `<svg viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img">`;
  const left =
    window.leftOut > 0
      ? `<p>${window.leftOut} more operations of that time are left out; all are in history.ndjson.</p>`
      : '';
  return `<div class="scroll">${open}\n${parts.join('\n')}\n</svg></div>${left}`;
}

/** Whoever took itself for the leader in that time has a row above those of the clients. */
function leaderRows({ startUs, endUs }: Window, led: readonly Led[]): readonly (readonly Led[])[] {
  const then = led.filter((each) => each.startUs <= endUs && each.endUs >= startUs);
  const members = [...new Set(then.map(({ member }) => member))].sort();
  return members.map((member) => then.filter((each) => each.member === member));
}

function leaderRow(spans: readonly Led[], x: (us: number) => number, y: number): readonly string[] {
  const label = `<text x="4" y="${y + 12}">${escape(spans[0]?.member ?? '')} leads</text>`;
  const bars = spans.map(({ member, term, startUs, endUs }) => {
    const left = x(startUs);
    const size = `width="${round(Math.max(barWidthMin, x(endUs) - left))}" height="${barHeight}" rx="2"`;
    const told = escape(`${member} leads in term ${term}, ${formatStretch(startUs, endUs)}`);
    return (
      `<rect class="bar led" x="${round(left)}" y="${y}" ${size} data-told="${told}"/>` +
      `<text class="small" x="${round(left + 3)}" y="${y + 11}">term ${escape(term)}</text>`
    );
  });
  return [label, ...bars];
}

interface Row {
  readonly label: string;
  readonly operations: readonly Operation[];
}

/** Those whom it is about first; clients of one member stand together. */
function rowsOf({ operations, named }: Window): readonly Row[] {
  const rows = new Map<string, Operation[]>();
  for (const operation of operations) {
    const label = `${operation.member} client ${operation.process}`;
    const row = rows.get(label);
    if (row === undefined) rows.set(label, [operation]);
    else row.push(operation);
  }
  return [...rows]
    .map(([label, each]) => ({ label, operations: each }))
    .sort(
      (a, b) =>
        Number(isAbout(b, named)) - Number(isAbout(a, named)) ||
        a.label.localeCompare(b.label, 'en', { numeric: true }),
    );
}

function isAbout({ operations }: Row, named: ReadonlySet<number>): boolean {
  return operations.some(({ index }) => named.has(index));
}

interface Place {
  readonly window: Window;
  readonly id: string;
  readonly x: (us: number) => number;
  readonly y: number;
}

function bar(operation: Operation, { window, id, x, y }: Place): string {
  const { index, startUs, outcome } = operation;
  // One of which nobody knows may still happen: it is drawn to the end.
  const endUs = outcome === 'info' ? window.endUs : (operation.endUs ?? window.endUs);
  const left = x(startUs);
  const barWidth = Math.max(barWidthMin, x(endUs) - left);
  const isNote = operation.endUs === startUs;
  const isNamed = window.named.has(index);
  const kind = `bar ${isNote ? 'note' : outcome}${isNamed ? ' named' : ''}`;
  const told = escape(tellOperation(operation));
  const text = labelOf(operation);
  const room = Math.floor(barWidth / charWidth) - 1;
  const label =
    room < 3
      ? ''
      : `<text class="small" x="${round(left + 3)}" y="${y + 11}">${escape(text.slice(0, room))}</text>`;
  const size = `width="${round(barWidth)}" height="${barHeight}" rx="2"`;
  const rect = `<rect class="${kind}" x="${round(left)}" y="${y}" ${size} data-told="${told}"/>`;
  return isNamed ? `<a id="${id}-o${index}">${rect}${label}</a>` : rect + label;
}

function grid(window: Window, x: (us: number) => number, height: number): readonly string[] {
  return Array.from({ length: ticks + 1 }, (_, i) => {
    const us = window.startUs + ((window.endUs - window.startUs) * i) / ticks;
    const at = round(x(us));
    const anchor = i === ticks ? 'end' : 'start';
    return (
      `<line class="grid" x1="${at}" x2="${at}" y1="14" y2="${height}"/>` +
      `<text x="${at}" y="11" text-anchor="${anchor}">${formatTime(us)}</text>`
    );
  });
}

const round = (value: number): string => String(Math.round(value * 10) / 10);
