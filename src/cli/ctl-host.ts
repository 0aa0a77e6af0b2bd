import { once } from 'node:events';
import { openGrpcJsChannel } from '../grpc/grpc-js-channel.ts';
import { probeAddress } from '../client/endpoint.ts';
import { inputFrom } from './ctl/input.ts';
import { runCtl } from './ctl/main.ts';

/** The longest pause between attempts of a channel to connect again. */
const reconnectMaxMs = 1000;

/** Runs one command of the control tool on this process, and returns its exit code once all output is out. */
export async function runCtlHere(program: string, args: readonly string[]): Promise<number> {
  const exitCode = await runCtl({
    program,
    args,
    environment: process.env,
    input: inputFrom(process.stdin),
    openChannel: (address) => openGrpcJsChannel({ addresses: [address], reconnectMaxMs }),
    probe: probeAddress,
    writeOut: (bytes) => void process.stdout.write(bytes),
    writeErr: (text) => void process.stderr.write(text),
    sleep: (durationMs) => new Promise((resume) => setTimeout(resume, durationMs)),
  });
  if (process.stdout.writableNeedDrain) await once(process.stdout, 'drain');
  return exitCode;
}
