/**
 * Profiles a member between two SIGUSR2: `node --require profiler.cjs main.cjs server --data-dir=X ...` begins at the
 * first and writes `X.cpuprofile` at the second. CommonJS for the reason that src/cli/main.cts gives.
 */
{
  const { renameSync, writeFileSync } = process.getBuiltinModule('node:fs');
  const { Session } = process.getBuiltinModule('node:inspector');

  const samplingIntervalUs = 200;
  const dataDir = process.argv.find((each) => each.startsWith('--data-dir='))?.slice(11);
  const file = `${dataDir ?? `pid-${process.pid}`}.cpuprofile`;
  const session = new Session();
  let isProfiling = false;

  process.on('SIGUSR2', () => {
    if (!isProfiling) {
      session.connect();
      session.post('Profiler.enable');
      session.post('Profiler.setSamplingInterval', { interval: samplingIntervalUs });
      session.post('Profiler.start');
      isProfiling = true;
      return;
    }
    session.post('Profiler.stop', (error, answer) => {
      if (error !== null) throw error;
      writeFileSync(`${file}.new`, JSON.stringify(answer.profile));
      renameSync(`${file}.new`, file);
    });
    session.disconnect();
    isProfiling = false;
  });
}
