import { readFileSync } from 'node:fs';

/** What Linux tells of a process that is not our own: its CPU time and its memory. */

export interface CpuTime {
  /** User and system time of all threads, those that have ended included. */
  readonly cpuMs: number;
}

export interface Memory {
  /** VmRSS: all that is in memory, mapped files included. */
  readonly residentBytes: number;
  readonly anonymousBytes: number;
  readonly fileBytes: number;
}

export type ProcessUsage = CpuTime & Memory;

/** USER_HZ, in which stat counts: 100 wherever Node runs on Linux. */
const ticksPerSecond = 100;

/** Fields of proc(5), counted from the one after the command's name, which is field 2. */
const userTicksAt = 14 - 3;
const systemTicksAt = 15 - 3;

/** @throws on a text that is no /proc/PID/stat. */
export function parseStat(text: string): CpuTime {
  // The name stands in brackets and may hold spaces and brackets: the last bracket ends it.
  const fields = text
    .slice(text.lastIndexOf(')') + 1)
    .trim()
    .split(' ');
  const ticks = Number(fields[userTicksAt]) + Number(fields[systemTicksAt]);
  if (!Number.isSafeInteger(ticks)) throw new Error(`no CPU time in /proc/PID/stat: ${text}`);
  return { cpuMs: (ticks * 1_000) / ticksPerSecond };
}

/** @throws on a text that is no /proc/PID/status. */
export function parseStatus(text: string): Memory {
  const bytesOf = (name: string): number => {
    const match = new RegExp(`^${name}:\\s+(\\d+) kB$`, 'm').exec(text);
    if (match === null) throw new Error(`no ${name} in /proc/PID/status`);
    return Number(match[1]) * 1_024;
  };
  return {
    residentBytes: bytesOf('VmRSS'),
    anonymousBytes: bytesOf('RssAnon'),
    fileBytes: bytesOf('RssFile'),
  };
}

/** @throws when there is no such process. */
export function usageOf(pid: number): ProcessUsage {
  return {
    ...parseStat(readFileSync(`/proc/${pid}/stat`, 'utf8')),
    ...parseStatus(readFileSync(`/proc/${pid}/status`, 'utf8')),
  };
}

/** Time waiting for a core, in the second field of /proc/PID/task/TID/schedstat; the first is time on one. */
export interface SchedulerTimes {
  readonly onCpuMs: number;
  readonly waitingMs: number;
}

export function parseSchedstat(text: string): SchedulerTimes {
  const [onCpuNs, waitingNs] = text.split(' ').map(Number);
  return { onCpuMs: (onCpuNs ?? 0) / 1e6, waitingMs: (waitingNs ?? 0) / 1e6 };
}
