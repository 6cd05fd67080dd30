import { execFile } from 'node:child_process';

export interface CommandResult {
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a command to its end; a failure is an error that quotes the command and what it wrote. Default deadline 120 s. */
export async function runCommand(
  argv: readonly string[],
  options: { readonly timeoutMs?: number; readonly env?: NodeJS.ProcessEnv; readonly cwd?: string } = {},
): Promise<CommandResult> {
  const [command = '', ...args] = argv;
  return await new Promise((resolve, reject) => {
    execFile(
      command,
      args,
      {
        timeout: options.timeoutMs ?? 120_000,
        maxBuffer: 16 * 1024 * 1024,
        ...(options.env && { env: options.env }),
        ...(options.cwd !== undefined && { cwd: options.cwd }),
      },
      (error, stdout, stderr) => {
        if (!error) resolve({ stdout, stderr });
        else {
          const output = `${stdout}${stderr}`.trimEnd();
          reject(new Error(`command failed: ${argv.join(' ')}${output && `\n${output}`}`, { cause: error }));
        }
      },
    );
  });
}
