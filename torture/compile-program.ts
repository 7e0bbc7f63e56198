import { execFile } from 'node:child_process';
import { createRequire } from 'node:module';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const ARGUMENTS = ['--bundle', '--platform=node', '--format=esm', '--packages=external', '--log-level=error'];

/**
 * Makes a TypeScript file one that Node starts by itself: hundreds of processes start sooner, and all of them run
 * what was there at the beginning.
 *
 * @param folder with the packages in its `node_modules`.
 * @returns the path of the program.
 */
export async function compileProgram(entry: URL, folder: string): Promise<string> {
  const program = join(folder, basename(entry.pathname).replace(/\.ts$/, '.mjs'));
  // The program, as esbuild's functions leave a process behind that waits for more work.
  const esbuild = createRequire(import.meta.url).resolve('esbuild/bin/esbuild');
  const args = [...ARGUMENTS, `--outfile=${program}`, fileURLToPath(entry)];
  await promisify(execFile)(esbuild, args, { cwd: ROOT });
  return program;
}
