import { execFile } from 'node:child_process';
import { createRequire } from 'node:module';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const ARGUMENTS = ['--bundle', '--platform=node', '--format=esm', '--packages=external', '--log-level=error'];

/**
 * Compiles a TypeScript file to a program that plain Node runs. Hundreds of processes start sooner that way, and all of
 * them run the same code even if the sources change meanwhile.
 *
 * @param folder its `node_modules` has the packages.
 * @returns the path of the program.
 */
export async function compileProgram(entry: URL, folder: string): Promise<string> {
  const program = join(folder, basename(entry.pathname).replace(/\.ts$/, '.mjs'));
  // The command, because the functions of esbuild leave a process behind that waits for more work.
  const esbuild = createRequire(import.meta.url).resolve('esbuild/bin/esbuild');
  const args = [...ARGUMENTS, `--outfile=${program}`, fileURLToPath(entry)];
  await promisify(execFile)(esbuild, args, { cwd: ROOT });
  return program;
}
