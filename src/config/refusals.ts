import { isDeepStrictEqual } from 'node:util';
import { unreachable } from '../base/assert.ts';
import type { Assignment, ConfigProblem, ConfigWarning } from './assignment.ts';
import { featureGates, isGateOpen } from './feature-gates.ts';
import { mustParse, type Settings } from './settings.ts';
import { mustParseUrl } from './urls.ts';

/**
 * Sorts what was given into what works, what is passed over with a warning, and what the server
 * must not ignore.
 */
export function judgeSettings(settings: Settings): {
  readonly warnings: readonly ConfigWarning[];
  /** All of them, so that nobody learns them one start at a time. */
  readonly refusals: readonly ConfigProblem[];
} {
  const warnings: ConfigWarning[] = [];
  const refusals: ConfigProblem[] = [];
  for (const assignment of settings.assignments()) {
    const { option, origin, text } = assignment;
    if (givesDefault(assignment)) continue;
    if (option.type.kind === 'featureGates') warnings.push(...judgeGates(settings, origin));
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
        refusals.push(refuse(`${origin} is refused`, option.status.remedy));
        break;
      default:
        unreachable(option.status);
    }
  }
  return { warnings, refusals: [...refusals, ...refuseSecureUrls(settings)] };
}

/** Gates that were given, by name or with their stage, and whose other position means nothing here. */
function judgeGates(settings: Settings, origin: string): readonly ConfigWarning[] {
  const given = settings.gates();
  return featureGates.flatMap((gate) => {
    const isOpen = isGateOpen(given, gate);
    if (gate.status.kind !== 'ignored' || isOpen === gate.isOpenByDefault) return [];
    const fields = { option: origin, value: `${gate.name}=${isOpen}`, reason: gate.status.why };
    return [{ msg: 'option has no effect', fields }];
  });
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

function refuseSecureUrls(settings: Settings): readonly ConfigProblem[] {
  const listed = urlFlags.flatMap((flag) =>
    settings
      .list(flag)
      .filter(isSecure)
      .map((url) => describeSecure(`--${flag}`, url)),
  );
  const inCluster = settings
    .text('initial-cluster')
    .matchAll(/(?:^|,)[^=,]*=\s*((?:https|unixs):[^,]*)/gi);
  for (const [, url = ''] of inCluster) listed.push(describeSecure('--initial-cluster', url));
  return listed;
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
