import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { compatibleSets, mutatedFiles, replaceOnce } from './apply.ts';
import { failureLine } from './failure-line.ts';
import { allMutants } from './list.ts';
import { describeRows, type Row } from './report.ts';
import { formatTableFile, isCaught, mergeRow, parseTableFile, tablePath } from './table.ts';
import { root } from './workshop.ts';

const source = (file: string): string => readFileSync(join(root, 'src', file), 'utf8');

describe('mutants', () => {
  it('are at least twenty, each under a name of its own', () => {
    const names = allMutants.map(({ name }) => name);
    assert.equal(new Set(names).size, names.length);
    assert.ok(names.length >= 20);
  });

  for (const mutant of allMutants) {
    it(`${mutant.name} still applies to the source`, () => {
      const files = mutatedFiles(mutant, source);
      for (const [file, text] of files) assert.notEqual(text, source(file));
    });
  }

  it('all compile', function () {
    this.timeout(120_000);
    const folder = mkdtempSync(join(tmpdir(), 'quorate-mutants-test-'));
    try {
      cpSync(join(root, 'src'), join(folder, 'src'), { recursive: true });
      symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'));
      cpSync(join(root, 'package.json'), join(folder, 'package.json'));
      const config = { extends: join(root, 'tsconfig.json'), include: ['src'] };
      const compilerOptions = { rootDir: '.', noEmit: true };
      writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({ ...config, compilerOptions }));
      for (const files of compatibleSets(allMutants, source)) {
        for (const [file, text] of files) writeFileSync(join(folder, 'src', file), text);
        const { stdout } = spawnSync('node', ['node_modules/typescript/bin/tsc', '-p', '.'], {
          cwd: folder,
          encoding: 'utf8',
        });
        assert.equal(stdout, '');
        for (const file of files.keys()) writeFileSync(join(folder, 'src', file), source(file));
      }
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });

  it('do not apply where the text is missing, or stands twice', () => {
    const replace = (text: string): string =>
      replaceOnce(text, { file: 'a.ts', from: 'if (isDone)', to: 'if (true)' });
    assert.equal(replace('if (isDone) return;'), 'if (true) return;');
    assert.throws(() => replace('return;'), /0 times/);
    assert.throws(() => replace('if (isDone) a(); if (isDone) b();'), /2 times/);
  });
});

describe('the report on mutants', () => {
  const silent = { harness: 'unit', end: 'silent', seconds: 9, told: '', output: '' } as const;
  const caught = {
    harness: 'sim',
    end: 'caught',
    seconds: 3,
    told: 'I7 one vote a term',
    output: '',
  } as const;
  const row = (trials: Row['trials'], isControl = false): Row => ({
    name: isControl ? 'the source as it is' : 'vote-before-fsync',
    isControl,
    trials,
  });

  it('counts a mutant that was caught as passed', () => {
    const text = describeRows([row([silent, caught])]);
    assert.match(text, /vote-before-fsync \| sim +\| 3 s +\| I7 one vote a term \| unit 9 s/);
    assert.match(text, /\n1 passed, 0 failed$/);
  });

  it('is red about a mutant that nothing caught', () => {
    const text = describeRows([row([silent])]);
    assert.match(text, /NOTHING/);
    assert.match(text, /\n0 passed, 1 failed$/);
  });

  it('is red when a harness fails without a mutant', () => {
    assert.match(describeRows([row([silent], true), row([caught])]), /\n2 passed, 0 failed$/);
    assert.match(describeRows([row([caught], true)]), /\n0 passed, 1 failed$/);
  });

  it('is red when a harness broke down, whatever another one found', () => {
    const broken = { ...silent, end: 'broken', told: 'no such option' } as const;
    const text = describeRows([row([broken, caught])]);
    assert.match(text, /unit 9 s: broken, no such option/);
    assert.match(text, /\n0 passed, 1 failed$/);
  });

  it('shows the line of an output that tells most', () => {
    const mocha = '  1) a member\n       votes once:\n\n      AssertionError: 2 == 3\n      at x';
    assert.equal(failureLine(mocha), 'a member votes once: AssertionError: 2 == 3');
    assert.equal(failureLine(`${mocha}\n Error: I7 one vote: two of n1`), 'I7 one vote: two of n1');
    assert.equal(failureLine('seed 7\nall is well\n\n'), 'all is well');
    assert.equal(failureLine(''), 'nothing was said');
  });
});

describe('the table of mutants', () => {
  const trial = (harness: string, end: 'caught' | 'silent', seconds: number, told = '') => ({
    harness,
    end,
    seconds,
    told,
    output: '',
  });
  const names = ['first', 'second'];
  const harnesses = ['unit', 'sim'];
  const row = (name: string, ...trials: Row['trials']): Row => ({
    name,
    isControl: false,
    trials,
  });

  it('is read as it was written', () => {
    const first = row('first', trial('unit', 'silent', 60), trial('sim', 'caught', 7, 'a | b'));
    const second = row('second', trial('unit', 'caught', 0.2, 'I7 one vote'));
    const rows = mergeRow(mergeRow([], first, names), second, names);
    const text = formatTableFile(rows, harnesses, names);
    assert.match(text, /\| first +\| silent 60 s \| 7 s +\| a \/ b +\|\n/);
    assert.match(text, /\| second +\| 1 s +\| - +\| I7 one vote +\|\n/);
    assert.match(text, /\n2 mutants, 2 caught\.\n$/);
    assert.equal(formatTableFile(parseTableFile(text), harnesses, names), text);
  });

  it('keeps what was found before beside what was tried now, and forgets mutants that are no more', () => {
    const before = mergeRow([], row('first', trial('unit', 'silent', 60)), names);
    const now = mergeRow(before, row('first', trial('sim', 'caught', 5, 'found')), names);
    assert.deepEqual([...(now[0]?.trials.keys() ?? [])], ['unit', 'sim']);
    assert.deepEqual(mergeRow(now, row('second'), ['second']), []);
  });

  it('has no row of a mutant that nothing has caught, or that is no more', () => {
    const rows = parseTableFile(readFileSync(join(root, tablePath), 'utf8'));
    const known = new Set(allMutants.map(({ name }) => name));
    assert.ok(rows.length >= 20);
    for (const found of rows) {
      assert.ok(known.has(found.name), `${found.name} is no mutant`);
      assert.ok(isCaught(found), `nothing finds ${found.name}`);
    }
  });

  it('says who escaped', () => {
    const rows = mergeRow([], row('first', trial('sim', 'silent', 60)), names);
    assert.match(
      formatTableFile(rows, harnesses, names),
      /1 mutants, 0 caught\. NOTHING finds first\. Not tried yet: second\.\n$/,
    );
  });
});
