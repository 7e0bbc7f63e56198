import { execFile } from 'node:child_process';
import { resolve } from 'node:path';

export interface ScriptOutput {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

/**
 * Runs a TypeScript file in a separate process, as the scripts of package.json do.
 *
 * @param path relative to the project root.
 */
export function runScript(
  path: string,
  args: readonly string[],
  env: NodeJS.ProcessEnv = process.env,
): Promise<ScriptOutput> {
  return new Promise((settle) => {
    execFile(
      process.execPath,
      ['--import', 'tsx', resolve(path), ...args],
      { env },
      (error, stdout, stderr) => {
        settle({ status: error === null ? 0 : Number(error.code), stdout, stderr });
      },
    );
  });
}
