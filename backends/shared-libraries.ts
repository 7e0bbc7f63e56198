import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

const execFileAsync = promisify(execFile);

/**
 * Where a program needs libraries that this system lacks, the environment in which it finds them. Else an empty
 * one: libraries of the system fit it better.
 *
 * @param folder has libraries that the program can use instead.
 * @throws Error with the names of libraries that are in neither.
 */
export async function libraryEnvironment(program: string, folder: string): Promise<NodeJS.ProcessEnv> {
  if ((await missingLibraries(program, process.env)).length === 0) return {};
  const { LD_LIBRARY_PATH: others } = process.env;
  const environment = { LD_LIBRARY_PATH: others === undefined ? folder : `${others}:${folder}` };
  const missing = await missingLibraries(program, { ...process.env, ...environment });
  if (missing.length === 0) return environment;
  throw new Error(`${program} needs shared libraries that this system lacks: ${missing.join(', ')}.`);
}

async function missingLibraries(program: string, env: NodeJS.ProcessEnv): Promise<string[]> {
  // A system without `ldd`, or with another C library, is left to what the program itself says.
  const { stdout } = await execFileAsync('ldd', [program], { env }).catch(() => ({ stdout: '' }));
  return Array.from(stdout.matchAll(/^\s*(\S+) => not found$/gm), (match) => match[1]!);
}
