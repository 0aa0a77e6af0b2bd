export type UnitName = 'per second' | 'ms' | 'us' | 'bytes' | 'times';

const kibi = 1_024;
const mebi = kibi * kibi;

/** Three figures that mean something, and the unit. */
export function formatFigure(value: number, unit: UnitName): string {
  switch (unit) {
    case 'per second':
      return `${formatNumber(value)}/s`;
    case 'ms':
      return value >= 10_000 ? `${formatNumber(value / 1_000)} s` : `${formatNumber(value)} ms`;
    case 'us':
      return `${formatNumber(value)} us`;
    case 'times':
      return `${formatNumber(value)}x`;
    case 'bytes':
      if (value >= mebi) return `${formatNumber(value / mebi)} MiB`;
      return value >= kibi ? `${formatNumber(value / kibi)} KiB` : `${Math.round(value)} B`;
  }
}

export function formatNumber(value: number): string {
  if (!Number.isFinite(value)) return '-';
  const size = Math.abs(value);
  if (size >= 1_000) {
    const step = 10 ** (Math.floor(Math.log10(size)) - 2);
    return (Math.round(value / step) * step).toLocaleString('en-US', { maximumFractionDigits: 0 });
  }
  if (size >= 100) return value.toFixed(0);
  return size >= 10 ? value.toFixed(1) : value.toFixed(2);
}
