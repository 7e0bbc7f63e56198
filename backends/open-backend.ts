import { requireKnownTarget, targetName, type BackendTarget } from './backend-target.js';
import { connectToChromium } from './chromium-page.js';
import type { Connection } from './connection.js';
import { toJsonText } from './inside/json-text.js';
import { errorOf, type Answer } from './inside/request.js';
import { connectToNode } from './node-process.js';

export type { BackendFlags, BackendName, BackendTarget, Runtime } from './backend-target.js';

export interface OpenBackend {
  /** For example 'webgpu in Chromium, google swiftshader, software'. */
  readonly description: string;
  /**
   * Runs an exported function of the entry module in the process or page, one call at a time.
   *
   * @param args JSON values, like the result. A value that JSON would change, such as NaN or a typed array, is refused.
   * @throws the error of the function; Error with what the device reported during the call, or with the reason why
   *   the process or page has ended.
   */
  call<T>(name: string, ...args: readonly unknown[]): Promise<T>;
  /** Ends the process or the browser, also during a call. */
  close(): Promise<void>;
}

const START_TIMEOUT_MS = 60_000;

/**
 * Starts a tfjs backend in a new process or page. Never falls back to another backend.
 *
 * @param entry the file: URL of a .ts module that exports the functions to call and imports nothing from Node. It is
 *   loaded before the backend is created, so it must not compute when it is imported.
 * @throws Error that names the backend and the reason.
 */
export async function openBackend(target: BackendTarget, entry: URL): Promise<OpenBackend> {
  requireKnownTarget(target);
  const useGpu = wantsGpu();
  const connecting = connect(target, useGpu, entry);
  try {
    const starting = connecting.then((connection) => start(connection, target, useGpu, entry));
    return await withTimeout(START_TIMEOUT_MS, starting);
  } catch (error) {
    await connecting.then((connection) => connection.close()).catch(() => undefined);
    const reason = error instanceof Error ? error.message : String(error);
    throw new Error(`Could not start ${targetName(target)}${deviceRequestOf(target, useGpu)}: ${reason}`, {
      cause: error,
    });
  }
}

function deviceRequestOf({ backend }: BackendTarget, useGpu: boolean): string {
  if (backend !== 'webgl' && backend !== 'webgpu') return '';
  return useGpu ? ' on a GPU, which ENTROPY_CHECKPOINT_GPU=1 requires' : ' on SwiftShader';
}

function wantsGpu(): boolean {
  const value = process.env['ENTROPY_CHECKPOINT_GPU'] ?? '';
  if (['', '0', '1'].includes(value)) return value === '1';
  throw new Error(`Expected the environment variable ENTROPY_CHECKPOINT_GPU to be 0 or 1, got '${value}'.`);
}

async function connect(
  { runtime, backend }: BackendTarget,
  useGpu: boolean,
  entry: URL,
): Promise<Connection> {
  if (runtime === 'node') return connectToNode(backend, useGpu);
  return connectToChromium(backend, useGpu, entry, START_TIMEOUT_MS);
}

async function start(
  connection: Connection,
  target: BackendTarget,
  useGpu: boolean,
  entry: URL,
): Promise<OpenBackend> {
  const { backend, flags = {} } = target;
  const answer = await connection.request({
    kind: 'start',
    backend,
    flags,
    requireGpu: useGpu,
    entry: entry.href,
  });
  const device = valueOf(answer) as string;
  return new ConnectedBackend(connection, targetName(target), device);
}

async function withTimeout<T>(timeoutMs: number, promise: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => {
      reject(new Error(`It did not start within ${timeoutMs / 1000} s.`));
    }, timeoutMs);
  });
  try {
    return await Promise.race([promise, timeout]);
  } finally {
    clearTimeout(timer);
  }
}

class ConnectedBackend implements OpenBackend {
  readonly description: string;
  readonly #connection: Connection;
  readonly #name: string;
  #previous: Promise<unknown> = Promise.resolve();

  constructor(connection: Connection, name: string, device: string) {
    this.#connection = connection;
    this.#name = name;
    this.description = device === '' ? name : `${name}, ${device}`;
  }

  async call<T>(name: string, ...args: readonly unknown[]): Promise<T> {
    const text = toJsonText(args, `the arguments of '${name}'`) ?? '[]';
    // One at a time: a device's error does not say which of two calls has caused it.
    const answer = this.#previous.then(() => this.#ask(name, text));
    this.#previous = answer.catch(() => undefined);
    return valueOf(await answer) as T;
  }

  async #ask(name: string, args: string): Promise<Answer> {
    try {
      return await this.#connection.request({ kind: 'call', name, args });
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      throw new Error(`'${name}' did not return from ${this.#name}: ${reason}`, { cause: error });
    }
  }

  async close(): Promise<void> {
    await this.#connection.close();
  }
}

function valueOf(answer: Answer): unknown {
  if ('failure' in answer) throw errorOf(answer.failure);
  return answer.json === null ? undefined : (JSON.parse(answer.json) as unknown);
}
