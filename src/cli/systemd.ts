import { execFile } from 'node:child_process';
import type { Logger } from '../host/logger.ts';

/**
 * Tells systemd that the member serves, where a unit of Type=notify waits for it. Node cannot write to the datagram
 * socket that systemd names, so systemd's own tool does; it may speak for this process if it runs as root, or if the
 * unit says NotifyAccess=all.
 */
export function tellSystemd(logger: Logger): void {
  if (!process.env['NOTIFY_SOCKET']) return;
  execFile('systemd-notify', ['--ready', `--pid=${process.pid}`], (error) => {
    if (error === null) return;
    const remedy = 'use Type=exec in the unit, or install systemd-notify';
    logger.log('warn', 'failed to notify systemd for readiness', { error: error.message, remedy });
  });
}
