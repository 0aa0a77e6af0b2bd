/** Randomness, handed in so that a seed reproduces a run. */
export interface Random {
  /** An integer in [0, bound). `bound` is a positive safe integer up to 2^32. */
  below(bound: number): number;
}

/** A small seeded generator (xorshift128, Marsaglia 2003). For schedules and tests, never for secrets. */
export function seededRandom(seed: number): Random {
  let x = seed >>> 0 || 0x9e3779b9;
  let y = 0x243f6a88;
  let z = 0xb7e15162;
  let w = (seed ^ 0xdeadbeef) >>> 0;
  const next = (): number => {
    const t = x ^ (x << 11);
    x = y;
    y = z;
    z = w;
    w = (w ^ (w >>> 19) ^ t ^ (t >>> 8)) >>> 0;
    return w;
  };
  for (let i = 0; i < 16; i++) next();
  return { below: (bound) => Math.floor((next() / 0x1_0000_0000) * bound) };
}
