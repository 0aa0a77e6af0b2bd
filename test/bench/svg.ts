/** The little of SVG that the pictures need; they follow the reader's light or dark theme. */

export const palette = `
    .page { fill: #ffffff } .ink { fill: #1f2328 } .faint { fill: #656d76 }
    .grid { stroke: #d1d9e0 } .one { stroke: #1f2328 } .goal { stroke: #bc4c00 } .goal-text { fill: #bc4c00 }
    .bar { fill: #0969da } .worse { fill: #8c959f } .spread { stroke: #1f2328 }
    .name { stroke: none !important }
    .line { fill: none; stroke-width: 2 } .etcd { stroke: #bc4c00; fill: #bc4c00 }
    .quorate { stroke: #0969da; fill: #0969da } .line.etcd, .line.quorate { fill: none }
    @media (prefers-color-scheme: dark) {
      .page { fill: #0d1117 } .ink { fill: #e6edf3 } .faint { fill: #9198a1 }
      .grid { stroke: #30363d } .one { stroke: #e6edf3 } .goal { stroke: #f0883e } .goal-text { fill: #f0883e }
      .bar { fill: #4493f8 } .worse { fill: #656d76 } .spread { stroke: #e6edf3 }
      .etcd { stroke: #f0883e; fill: #f0883e } .quorate { stroke: #4493f8; fill: #4493f8 }
      .line.etcd, .line.quorate { fill: none }
    }`;

type Attributes = Readonly<Record<string, string | number>>;

export function element(name: string, attributes: Attributes, text?: string): string {
  const written = Object.entries(attributes)
    .map(([key, value]) => ` ${key}="${typeof value === 'number' ? round(value) : escape(value)}"`)
    .join('');
  return text === undefined
    ? `<${name}${written}/>`
    : `<${name}${written}>${escape(text)}</${name}>`;
}

const round = (value: number): number => Math.round(value * 10) / 10;

const escape = (text: string): string =>
  text.replace(/[&<>"]/g, (each) => `&#${each.codePointAt(0) ?? 0};`);

/** A whole picture; its title is what a screen reader says. */
export function picture(
  size: { readonly width: number; readonly height: number },
  title: string,
  elements: readonly string[],
): string {
  const { width, height } = size;
  const font = 'ui-sans-serif, system-ui, -apple-system, Segoe UI, Helvetica, Arial, sans-serif';
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" font-family="${font}" font-size="13">`,
    `  ${element('title', {}, title)}`,
    `  <style>${palette}\n  </style>`,
    `  ${element('rect', { class: 'page', width, height, rx: 6 })}`,
    ...elements.map((each) => `  ${each}`),
    '</svg>',
    '',
  ].join('\n');
}

/** Where a value lies on an axis of powers of ten. */
export function logScale(
  from: number,
  to: number,
  pixels: { readonly from: number; readonly to: number },
): (value: number) => number {
  const span = Math.log(to) - Math.log(from);
  return (value) => {
    const inside = Math.min(Math.max(value, from), to);
    const share = span === 0 ? 0 : (Math.log(inside) - Math.log(from)) / span;
    return pixels.from + share * (pixels.to - pixels.from);
  };
}

export function powersOfTen(from: number, to: number): readonly number[] {
  const first = Math.ceil(Math.log10(from) - 1e-9);
  const last = Math.floor(Math.log10(to) + 1e-9);
  return Array.from({ length: Math.max(last - first + 1, 0) }, (_, i) => 10 ** (first + i));
}
