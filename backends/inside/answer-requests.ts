import * as tf from '@tensorflow/tfjs';
import type { Device } from './device.js';
import { toJsonText } from './json-text.js';
import { failureOf, type Answer, type CallRequest, type Request, type StartRequest } from './request.js';
import { startBackend, type EntryModule, type Environment } from './start-backend.js';

interface Started {
  readonly device: Device;
  readonly entry: EntryModule;
  readonly backend: string;
}

/** Answers requests, in a process or in a page. They come one at a time. */
export function createResponder(environment: Environment): (request: Request) => Promise<Answer> {
  let started: Started | undefined;

  async function start(request: StartRequest): Promise<string> {
    const { backend } = request;
    started = { backend, ...(await startBackend(request, environment)) };
    const { description, isSoftware } = started.device;
    return [description, ...(isSoftware ? ['software'] : [])].filter((part) => part !== '').join(', ');
  }

  async function resultOf(request: Request): Promise<unknown> {
    if (request.kind === 'start') return start(request);
    if (started === undefined) throw new Error('No backend was started.');
    return runCall(started, request);
  }

  return async (request) => {
    try {
      return { json: toJsonText(await resultOf(request), 'the result') };
    } catch (error) {
      return { failure: failureOf(error) };
    }
  };
}

async function runCall({ device, entry, backend }: Started, { name, args }: CallRequest): Promise<unknown> {
  const target = exportedFunction(entry, name);
  if (tf.getBackend() !== backend) {
    throw new Error(
      `Expected '${backend}' to be the current backend, but an earlier call has made it '${tf.getBackend()}'.`,
    );
  }
  let result: unknown;
  try {
    result = await Promise.race([device.lost, target(...(JSON.parse(args) as unknown[]))]);
  } catch (error) {
    // What the device reports often explains the error.
    await device.settle().catch((deviceError: unknown) => {
      if (deviceError === error || !(deviceError instanceof Error) || !(error instanceof Error)) return;
      error.message += `\n${deviceError.message}`;
    });
    throw error;
  }
  await device.settle();
  return result;
}

function exportedFunction(entry: EntryModule, name: string): (...args: unknown[]) => unknown {
  const target = Object.hasOwn(entry, name) ? entry[name] : undefined;
  if (typeof target === 'function') return target as (...args: unknown[]) => unknown;
  const known = Object.keys(entry).filter((key) => typeof entry[key] === 'function');
  throw new Error(`Expected an exported function of the entry module (${known.join(', ')}), got '${name}'.`);
}
