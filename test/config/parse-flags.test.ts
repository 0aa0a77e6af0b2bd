import assert from 'node:assert/strict';
import { parseFlags } from '../../src/config/parse-flags.ts';

/** What a command line assigns, as `flag=text`. */
function assigned(...args: readonly string[]): readonly string[] {
  const parsed = parseFlags(args);
  assert.ok(parsed.ok === true, JSON.stringify(parsed));
  return parsed.assignments.map(({ option, text }) => `${option.flag}=${text}`);
}

function problemOf(...args: readonly string[]): {
  readonly exitCode: number;
  readonly text: string;
  readonly hint?: string;
} {
  const parsed = parseFlags(args);
  assert.ok(parsed.ok === false, JSON.stringify(parsed));
  return parsed.problem;
}

describe('the command line of the server', () => {
  it('takes a value behind = or as the next word, with one dash or two', () => {
    assert.deepEqual(assigned('--name=a'), ['name=a']);
    assert.deepEqual(assigned('--name', 'a'), ['name=a']);
    assert.deepEqual(assigned('-name', 'a'), ['name=a']);
    assert.deepEqual(assigned('--name='), ['name=']);
    assert.deepEqual(assigned('--initial-cluster', 'a=http://h:1,b=http://h:2'), [
      'initial-cluster=a=http://h:1,b=http://h:2',
    ]);
  });

  it('takes a boolean alone or with its value behind =', () => {
    assert.deepEqual(assigned('--pre-vote'), ['pre-vote=true']);
    assert.deepEqual(assigned('--pre-vote=false', '--name=a'), ['pre-vote=false', 'name=a']);
    assert.deepEqual(assigned('--v', '--name=a'), ['v=true', 'name=a']);
  });

  it('does not take the next word for the value of a boolean, as etcd does not', () => {
    assert.deepEqual(problemOf('--pre-vote', 'false'), {
      exitCode: 1,
      text: '"false" is not a valid flag',
      hint: 'a boolean takes its value as --pre-vote=false',
    });
  });

  it('reads experimental flags as what they became', () => {
    assert.deepEqual(assigned('--experimental-compaction-batch-limit=5'), [
      'compaction-batch-limit=5',
    ]);
    assert.deepEqual(assigned('--experimental-initial-corrupt-check'), [
      'feature-gates=InitialCorruptCheck=true',
    ]);
    assert.deepEqual(assigned('--experimental-enable-lease-checkpoint=false'), [
      'feature-gates=LeaseCheckpoint=false',
    ]);
  });

  it('refuses an unknown flag with exit code 2 and the nearest one', () => {
    assert.deepEqual(problemOf('--listen-client-url=http://127.0.0.1:2379'), {
      exitCode: 2,
      text: 'flag provided but not defined: -listen-client-url',
      hint: 'did you mean --listen-client-urls?',
    });
    assert.equal(problemOf('--hartbeat-interval=1').hint, 'did you mean --heartbeat-interval?');
    assert.equal(problemOf('--initial-clsuter=x').hint, 'did you mean --initial-cluster?');
    assert.equal(problemOf('--qqqqq').hint, 'see --help for all flags');
  });

  it("refuses values that do not fit, in Go's words and with exit code 2", () => {
    const cases: readonly (readonly [readonly string[], string])[] = [
      [
        ['--heartbeat-interval=abc'],
        'invalid value "abc" for flag -heartbeat-interval: parse error',
      ],
      [['--heartbeat-interval=-1'], 'invalid value "-1" for flag -heartbeat-interval: parse error'],
      [
        ['--grpc-keepalive-min-time=5x'],
        'invalid value "5x" for flag -grpc-keepalive-min-time: parse error',
      ],
      [['--pre-vote=maybe'], 'invalid boolean value "maybe" for -pre-vote: parse error'],
      [
        ['--initial-cluster-state=foo'],
        'invalid value "foo" for flag -initial-cluster-state: invalid value',
      ],
      [
        ['--feature-gates=Foo=true'],
        'invalid value "Foo=true" for flag -feature-gates: unrecognized feature gate: Foo',
      ],
      [
        ['--listen-client-urls=foo:2379'],
        'invalid value "foo:2379" for flag -listen-client-urls: URL scheme must be http, https, unix, or unixs: foo:2379',
      ],
      [
        ['--listen-peer-urls=http://h'],
        'invalid value "http://h" for flag -listen-peer-urls: URL address does not have the form "host:port": http://h',
      ],
      [
        ['--listen-peer-urls=http://h:1/x'],
        'invalid value "http://h:1/x" for flag -listen-peer-urls: URL must not contain a path: http://h:1/x',
      ],
      [['--name'], 'flag needs an argument: -name'],
      [['---name=a'], 'bad flag syntax: ---name=a'],
    ];
    for (const [args, text] of cases) assert.deepEqual(problemOf(...args), { exitCode: 2, text });
  });

  it('refuses what is no flag with exit code 1', () => {
    assert.deepEqual(problemOf('gateway'), { exitCode: 1, text: '"gateway" is not a valid flag' });
    assert.deepEqual(problemOf('--', '--name'), {
      exitCode: 1,
      text: '"--name" is not a valid flag',
    });
  });

  it('shows the help for -h, -help and --help', () => {
    for (const flag of ['-h', '--h', '-help', '--help']) {
      assert.deepEqual(parseFlags(['--name=a', flag]), { ok: 'help' });
    }
  });
});
