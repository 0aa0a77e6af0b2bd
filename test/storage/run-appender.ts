import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

const appender = fileURLToPath(new URL('appender.js', import.meta.url));

export interface Ended {
  readonly lines: readonly string[];
  readonly code: number | null;
}

/** Runs the appender until `until` says so (then it is killed) or it ends by itself. */
export async function runAppender(
  path: string,
  env: NodeJS.ProcessEnv,
  until: (lines: readonly string[]) => boolean,
): Promise<Ended> {
  const child = spawn(process.execPath, [appender, path], {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let text = '';
  const whole = (): string[] =>
    text
      .slice(0, text.lastIndexOf('\n') + 1)
      .split('\n')
      .slice(0, -1);
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    text += chunk;
    if (until(whole())) child.kill('SIGKILL');
  });
  const [code] = (await once(child, 'close')) as [number | null];
  return { lines: whole(), code };
}

/** The last number that a kind of line says. */
export function lastOf(lines: readonly string[], kind: string): number {
  const line = lines.findLast((text) => text.startsWith(`${kind} `));
  return Number(line?.split(' ')[1] ?? 0);
}
