import { quoteText } from './go-text.ts';

/** How a program ended that a command has run. */
export type ProgramEnd =
  | { readonly type: 'exited'; readonly code: number }
  /** By a signal, such as `SIGKILL`. */
  | { readonly type: 'killed'; readonly signal: string }
  /** With the error's code, such as `ENOENT`. */
  | { readonly type: 'notStarted'; readonly code: string };

/** What went wrong in Go's words (package os/exec); undefined when all went well. */
export function describeFailure(program: string, end: ProgramEnd): string | undefined {
  switch (end.type) {
    case 'exited':
      return end.code === 0 ? undefined : `exit status ${end.code}`;
    case 'killed':
      return `signal: ${signals[end.signal] ?? end.signal}`;
    case 'notStarted': {
      const reason = reasons[end.code] ?? end.code;
      if (program.includes('/')) return `fork/exec ${program}: ${reason}`;
      const shown = end.code === 'ENOENT' ? 'executable file not found in $PATH' : reason;
      return `exec: ${quoteText(program)}: ${shown}`;
    }
  }
}

const reasons: Readonly<Record<string, string>> = {
  ENOENT: 'no such file or directory',
  EACCES: 'permission denied',
};

const signals: Readonly<Record<string, string>> = {
  SIGABRT: 'aborted',
  SIGHUP: 'hangup',
  SIGINT: 'interrupt',
  SIGKILL: 'killed',
  SIGPIPE: 'broken pipe',
  SIGQUIT: 'quit',
  SIGSEGV: 'segmentation fault',
  SIGTERM: 'terminated',
};
