import { tmpdir } from 'node:os';
import { Redis } from 'ioredis';
import { freePort, ServerProcess } from '../../support/server-process.js';

const REMEDY = 'Install it: `apt-get install redis-server`, or as https://redis.io says.';

/** A Redis of a suite's own, that forgets everything when it ends. */
export class RedisServer {
  readonly url: string;
  readonly #port: number;
  #process: ServerProcess | null = null;

  private constructor(port: number) {
    this.#port = port;
    this.url = `redis://127.0.0.1:${port}`;
  }

  static async start(): Promise<RedisServer> {
    const server = new RedisServer(await freePort());
    await server.restart();
    return server;
  }

  /** Starts it again, at the same address. */
  async restart(): Promise<void> {
    // It writes nothing there.
    const settings = ['--save', '', '--appendonly', 'no', '--bind', '127.0.0.1', '--dir', tmpdir()];
    const args = ['--port', String(this.#port), ...settings];
    this.#process = await ServerProcess.start('redis-server', args, () => this.#ping(), REMEDY);
  }

  async kill(): Promise<void> {
    await this.#process?.kill();
    this.#process = null;
  }

  async #ping(): Promise<void> {
    const redis = new Redis(this.url, { lazyConnect: true, retryStrategy: () => null });
    redis.on('error', () => undefined);
    try {
      await redis.connect();
    } finally {
      redis.disconnect();
    }
  }
}
