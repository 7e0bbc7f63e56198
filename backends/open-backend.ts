import { choiceName, requireKnownChoice, type BackendChoice } from './backend-choice.js';
import { connectToChromium } from './chromium-page.js';
import type { Connection } from './connection.js';
import { toJsonText } from './inside/json-text.js';
import { errorOf, type Answer } from './inside/request.js';
import { connectToNode } from './node-process.js';

export type { BackendChoice, BackendFlags, BackendName, Place } from './backend-choice.js';

export interface OpenBackend {
  /** For people, e.g. 'webgpu in Chromium, google swiftshader, software'. */
  readonly description: string;
  /**
   * Runs an exported function of the entry module over there, one at a time. Arguments and result are JSON
   * values: one that JSON would change, such as NaN or a typed array, is refused.
   *
   * Rejects with the error that was thrown there; also when the device has reported an error during the call;
   * and at once when the process or page has died.
   */
  call<T>(name: string, ...args: readonly unknown[]): Promise<T>;
  /** Ends the process or the browser, and what is being called there. */
  close(): Promise<void>;
}

const START_TIMEOUT_MS = 60_000;

/**
 * Starts a backend of tfjs in a process or page of its own. Never falls back to another one.
 *
 * @param entry module with the functions to be called, a file: URL of a .ts file that imports nothing of Node.
 * It is loaded before the backend is made, and must not compute yet.
 * @throws Error with what was tried and why it failed.
 */
export async function openBackend(choice: BackendChoice, entry: URL): Promise<OpenBackend> {
  requireKnownChoice(choice);
  const useGpu = wantsGpu();
  const connecting = connect(choice, useGpu, entry);
  try {
    const starting = connecting.then((connection) => start(connection, choice, useGpu, entry));
    return await within(START_TIMEOUT_MS, starting);
  } catch (error) {
    await connecting.then((connection) => connection.close()).catch(() => undefined);
    const reason = error instanceof Error ? error.message : String(error);
    throw new Error(`Could not start ${choiceName(choice)}${meansOf(choice, useGpu)}: ${reason}`, {
      cause: error,
    });
  }
}

function meansOf({ backend }: BackendChoice, useGpu: boolean): string {
  if (backend !== 'webgl' && backend !== 'webgpu') return '';
  return useGpu ? ' on a GPU, as ENTROPY_CHECKPOINT_GPU=1 asks for' : ' on SwiftShader';
}

function wantsGpu(): boolean {
  const value = process.env['ENTROPY_CHECKPOINT_GPU'] ?? '';
  if (['', '0', '1'].includes(value)) return value === '1';
  throw new Error(`Expected the environment variable ENTROPY_CHECKPOINT_GPU to be 0 or 1, got '${value}'.`);
}

async function connect({ place, backend }: BackendChoice, useGpu: boolean, entry: URL): Promise<Connection> {
  if (place === 'node') return connectToNode(backend, useGpu);
  return connectToChromium(backend, useGpu, entry, START_TIMEOUT_MS);
}

async function start(
  connection: Connection,
  choice: BackendChoice,
  useGpu: boolean,
  entry: URL,
): Promise<OpenBackend> {
  const { backend, flags = {} } = choice;
  const answer = await connection.request({
    kind: 'start',
    backend,
    flags,
    requireGpu: useGpu,
    entry: entry.href,
  });
  const device = valueOf(answer) as string;
  return new ConnectedBackend(connection, choiceName(choice), device);
}

async function within<T>(timeoutMs: number, promise: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => {
      reject(new Error(`It did not come up within ${timeoutMs / 1000} s.`));
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
    // One at a time: a device does not say which of two calls its error comes from.
    const answer = this.#previous.then(() => this.#ask(name, text));
    this.#previous = answer.catch(() => undefined);
    return valueOf(await answer) as T;
  }

  async #ask(name: string, args: string): Promise<Answer> {
    try {
      return await this.#connection.request({ kind: 'call', name, args });
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      throw new Error(`'${name}' has not returned from ${this.#name}: ${reason}`, { cause: error });
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
