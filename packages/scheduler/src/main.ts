import { EcomputeError, isAbort } from '@etcd-compute/common/errors';
import { parseCommandLine, peekReportOptions } from './cli.js';
import { openCloud } from './cloud.js';
import { loadScheduleConfig } from './config.js';
import { EXIT_CODES, exitCodeOf } from './exit-code.js';
import type { Interruption } from './interruption.js';
import { createOutput } from './output/output.js';

const { stdout, stderr } = process;

const runCommand = async (argv: readonly string[], interruption: Interruption): Promise<number> => {
  const invocation = parseCommandLine(argv);
  if (invocation.kind === 'text') {
    stdout.write(await invocation.text());
    return EXIT_CODES.done;
  }
  performance.mark('eschedule:parsed');
  const { run, configPath, format, project } = invocation;
  const config = await loadScheduleConfig(configPath, { project });
  performance.mark('eschedule:configured');
  const output = createOutput({ stdout, stderr, format, isDebug: peekReportOptions(argv).isDebug });
  return run({ ...openCloud(config), config, output, interruption });
};

/** Runs a command line to its end; whatever goes wrong is told on standard error. @returns the exit code. */
export const main = async (argv: readonly string[], interruption: Interruption): Promise<number> => {
  try {
    return await runCommand(argv, interruption);
  } catch (thrown) {
    const err = isAbort(thrown) && interruption.signal.aborted ? interrupted(interruption) : thrown;
    createOutput({ stdout, stderr, ...peekReportOptions(argv) }).error(err);
    return exitCodeOf(err);
  }
};

/** An abort deep inside comes out as the interruption, with what goes on without us. */
const interrupted = ({ describe }: Interruption): EcomputeError => {
  const hint = describe();
  return new EcomputeError('ECOMPUTE_ABORTED', 'interrupted', hint === '' ? {} : { hint });
};
