import { fork, type ChildProcess } from 'node:child_process';
import { createRequire } from 'node:module';
import type { Readable } from 'node:stream';
import { finished } from 'node:stream/promises';
import { fileURLToPath, pathToFileURL } from 'node:url';
import type { BackendName } from './backend-target.js';
import { chromiumFiles } from './chromium-files.js';
import type { Connection } from './connection.js';
import type { Answer, Request } from './inside/request.js';
import { OutputTail } from './output-tail.js';

const SCRIPT = fileURLToPath(new URL('inside/run-in-node.ts', import.meta.url));
const TSCONFIG = fileURLToPath(new URL('../tsconfig.json', import.meta.url));
const CLOSE_TIMEOUT_MS = 1_000;

/** Starts a Node process that runs TypeScript. */
export async function connectToNode(backend: BackendName, useGpu: boolean): Promise<Connection> {
  const tsx = pathToFileURL(createRequire(import.meta.url).resolve('tsx')).href;
  const rasteriser = backend === 'webgpu' && !useGpu ? await swiftShaderEnvironment() : {};
  const child = fork(SCRIPT, [], {
    execArgv: ['--import', tsx],
    // By default, tsx looks in the working directory for the file that has `paths`.
    env: { ...process.env, TSX_TSCONFIG_PATH: TSCONFIG, ...rasteriser },
    serialization: 'advanced',
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  });
  return new NodeConnection(child);
}

/** Makes Dawn find SwiftShader's Vulkan loader, and the loader no driver but SwiftShader. */
async function swiftShaderEnvironment(): Promise<NodeJS.ProcessEnv> {
  const { swiftShaderFolder, vulkanDriverFile } = await chromiumFiles();
  const { LD_LIBRARY_PATH: others } = process.env;
  return {
    LD_LIBRARY_PATH: others === undefined ? swiftShaderFolder : `${swiftShaderFolder}:${others}`,
    VK_ICD_FILENAMES: vulkanDriverFile,
    // The newer name of the same variable. It wins where both are set.
    VK_DRIVER_FILES: vulkanDriverFile,
  };
}

class NodeConnection implements Connection {
  readonly #child: ChildProcess;
  readonly #ended: Promise<string>;
  readonly #pending = new Map<number, (answer: Answer) => void>();
  #lastId = 0;

  constructor(child: ChildProcess) {
    this.#child = child;
    child.on('message', ({ id, answer }: { id: number; answer: Answer }) => {
      this.#pending.get(id)?.(answer);
      this.#pending.delete(id);
    });
    this.#ended = reasonOfEnd(child);
  }

  async request(request: Request): Promise<Answer> {
    const id = ++this.#lastId;
    const answer = new Promise<Answer>((resolve) => {
      this.#pending.set(id, resolve);
    });
    // Sending fails only if the process has ended, and `#ended` says why.
    if (this.#child.connected) this.#child.send({ id, request }, () => undefined);
    const ended = this.#ended.then((reason) => Promise.reject(new Error(reason)));
    return Promise.race([answer, ended]);
  }

  async close(): Promise<void> {
    if (this.#child.connected) this.#child.disconnect();
    // A process in an endless loop does not notice the disconnect.
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), CLOSE_TIMEOUT_MS);
    await this.#ended;
    clearTimeout(timer);
  }
}

/** Resolves with the reason once the process has ended and all its output has arrived. */
function reasonOfEnd(child: ChildProcess): Promise<string> {
  const output = new OutputTail();
  const streams = [child.stdout, child.stderr].filter((stream): stream is Readable => stream !== null);
  for (const stream of streams) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      output.add(text);
    });
  }
  return new Promise((resolve) => {
    child.once('error', (error) => {
      resolve(`The Node process failed: ${error.message}`);
    });
    // The event 'close' would wait for the output, but does not come after a `disconnect`.
    child.once('exit', (code, signal) => {
      const how = `The Node process ended with ${signal ?? `exit code ${String(code)}`}.`;
      void Promise.allSettled(streams.map((stream) => finished(stream))).then(() => {
        resolve(output.appendedTo(how));
      });
    });
  });
}
