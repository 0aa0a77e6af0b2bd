import { element, logScale, picture, powersOfTen } from './svg.ts';
import type { SystemName } from './target.ts';

/** Small pictures side by side: CPU time of a Put over what grows, both axes of powers of ten. */

export interface Curve {
  readonly title: string;
  readonly ticks: readonly { readonly at: number; readonly label: string }[];
  readonly lines: readonly {
    readonly system: SystemName;
    readonly points: readonly { readonly at: number; readonly micros: number }[];
  }[];
}

const columns = 2;
const panel = { width: 420, height: 220 };
const inside = { left: 62, right: 18, top: 34, bottom: 34 };
const header = 58;

export function growthPicture(curves: readonly Curve[]): string {
  const width = columns * panel.width;
  const height = header + Math.ceil(curves.length / columns) * panel.height;
  const title = 'CPU time of all members per Put, in microseconds';
  const name = (system: SystemName, x: number): string =>
    element('text', { class: `${system} name`, x, y: 46, 'font-weight': 600 }, system);
  return picture({ width, height }, title, [
    element('text', { class: 'ink', x: 20, y: 26, 'font-size': 17, 'font-weight': 600 }, title),
    name('etcd', 20),
    name('quorate', 60),
    ...curves.flatMap((curve, index) => {
      const x = (index % columns) * panel.width;
      const y = header + Math.floor(index / columns) * panel.height;
      return drawPanel(curve, x, y);
    }),
  ]);
}

function drawPanel(curve: Curve, left: number, top: number): readonly string[] {
  const box = {
    left: left + inside.left,
    right: left + panel.width - inside.right,
    top: top + inside.top,
    bottom: top + panel.height - inside.bottom,
  };
  const micros = curve.lines.flatMap(({ points }) => points.map((point) => point.micros));
  const places = curve.ticks.map(({ at }) => at);
  if (micros.length === 0 || places.length === 0) return [];
  const low = 10 ** Math.floor(Math.log10(Math.max(Math.min(...micros), 1e-3)));
  const high = 10 ** Math.ceil(Math.log10(Math.max(...micros, low * 10)));
  const x = logScale(Math.min(...places), Math.max(...places), { from: box.left, to: box.right });
  const y = logScale(low, high, { from: box.bottom, to: box.top });
  return [
    element('text', { class: 'ink', x: box.left, y: top + 18, 'font-weight': 600 }, curve.title),
    ...powersOfTen(low, high).flatMap((value) => [
      element('line', { class: 'grid', x1: box.left, x2: box.right, y1: y(value), y2: y(value) }),
      element(
        'text',
        { class: 'faint', x: box.left - 8, y: y(value) + 4, 'text-anchor': 'end' },
        value.toLocaleString('en-US'),
      ),
    ]),
    ...curve.ticks.map(({ at, label }) =>
      element(
        'text',
        { class: 'faint', x: x(at), y: box.bottom + 18, 'text-anchor': 'middle', 'font-size': 11 },
        label,
      ),
    ),
    ...curve.lines.flatMap(({ system, points }) => [
      element('polyline', {
        class: `line ${system}`,
        points: points
          .map((each) => `${x(each.at).toFixed(1)},${y(each.micros).toFixed(1)}`)
          .join(' '),
      }),
      ...points.map((each) =>
        element('circle', { class: system, cx: x(each.at), cy: y(each.micros), r: 3 }),
      ),
    ]),
  ];
}
