import { isDeepStrictEqual } from 'node:util';
import { unreachable } from '../base/assert.ts';
import type { Assignment, ConfigProblem, ConfigWarning } from './assignment.ts';
import { mustParse, type Settings } from './settings.ts';
import { mustParseUrl } from './urls.ts';

/**
 * Sorts what was given into what works, what is passed over with a warning, and what the server
 * must not ignore.
 */
export function judgeSettings(settings: Settings): {
  readonly warnings: readonly ConfigWarning[];
  readonly problem: ConfigProblem | undefined;
} {
  const warnings: ConfigWarning[] = [];
  for (const assignment of settings.assignments()) {
    const { option, origin, text } = assignment;
    if (givesDefault(assignment)) continue;
    switch (option.status.kind) {
      case 'built':
        break;
      case 'ignored':
        warnings.push({
          msg: 'option has no effect',
          fields: { option: origin, value: text, reason: option.status.why },
        });
        break;
      case 'refused':
        return { warnings, problem: refuse(`${origin} is refused`, option.status.remedy) };
      default:
        unreachable(option.status);
    }
  }
  return { warnings, problem: refuseSecureUrls(settings) };
}

/** An option given at its default changes nothing, whatever its status. */
function givesDefault({ option, text }: Assignment): boolean {
  if (option.type.kind === 'anything') return false;
  return isDeepStrictEqual(mustParse(option, text), mustParse(option, option.type.default));
}

function refuse(text: string, hint: string): ConfigProblem {
  return { exitCode: 1, text, hint };
}

const urlFlags = [
  'listen-peer-urls',
  'listen-client-urls',
  'listen-client-http-urls',
  'listen-metrics-urls',
  'initial-advertise-peer-urls',
  'advertise-client-urls',
];

function refuseSecureUrls(settings: Settings): ConfigProblem | undefined {
  for (const flag of urlFlags) {
    for (const url of settings.list(flag)) {
      if (isSecure(url)) return describeSecure(`--${flag}`, url);
    }
  }
  const inCluster = /(?:^|,)[^=,]*=\s*((?:https|unixs):[^,]*)/i.exec(
    settings.text('initial-cluster'),
  );
  return inCluster === null
    ? undefined
    : describeSecure('--initial-cluster', inCluster[1] as string);
}

function isSecure(url: string): boolean {
  const { scheme } = mustParseUrl(url);
  return scheme === 'https' || scheme === 'unixs';
}

function describeSecure(flag: string, url: string): ConfigProblem {
  return refuse(
    `${flag} ${url} is refused: TLS is not built`,
    'use http URLs on loopback or a trusted network, or put a TLS proxy in front',
  );
}
