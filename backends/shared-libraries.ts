import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

const execFileAsync = promisify(execFile);

/**
 * The environment variables with which a program finds its shared libraries. Empty if the system has them all, since
 * the system's libraries fit it better.
 *
 * @param folder libraries for systems that lack them.
 * @throws Error that names the libraries which neither the system nor the folder has.
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
  // Without `ldd`, or with another C library, nothing is known to be missing. The program itself will say so.
  const { stdout } = await execFileAsync('ldd', [program], { env }).catch(() => ({ stdout: '' }));
  return Array.from(stdout.matchAll(/^\s*(\S+) => not found$/gm), (match) => match[1]!);
}
