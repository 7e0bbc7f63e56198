import { join, resolve } from 'node:path';
import { freePort, ServerProcess } from './server-process.js';

/** Where `npm run servers` installs programs. */
export const PROGRAMS = join(resolve(import.meta.dirname, '../..'), '.s3-server/bin');
export const INSTALL = 'Install the test servers: npm run servers';

/**
 * Starts a server with the interface of S3, in memory, in another process. It has no bucket yet.
 *
 * @param env for the server.
 */
export async function startObjectStoreServer(
  env: NodeJS.ProcessEnv = {},
): Promise<{ readonly endpoint: string; readonly process: ServerProcess }> {
  const port = await freePort();
  const endpoint = `http://127.0.0.1:${port}`;
  const args = ['-H', '127.0.0.1', '-p', String(port)];
  const isUp = (): Promise<unknown> => fetch(`${endpoint}/moto-api/data.json`);
  const process = await ServerProcess.start(join(PROGRAMS, 'moto_server'), args, isUp, INSTALL, env);
  return { endpoint, process };
}
