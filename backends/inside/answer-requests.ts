import * as tf from '@tensorflow/tfjs';
import type { Device } from './device.js';
import { toJsonText } from './json-text.js';
import { failureOf, type Answer, type CallRequest, type Request, type StartRequest } from './request.js';
import { startBackend, type EntryModule, type Surroundings } from './start-backend.js';

interface Started {
  readonly device: Device;
  readonly entry: EntryModule;
  readonly backend: string;
}

/** The part that is the same in a process and in a page. Requests come one at a time. */
export function createResponder(surroundings: Surroundings): (request: Request) => Promise<Answer> {
  let started: Started | undefined;

  async function start(request: StartRequest): Promise<string> {
    const { backend } = request;
    started = { backend, ...(await startBackend(request, surroundings)) };
    const { description, isSoftware } = started.device;
    return [description, ...(isSoftware ? ['software'] : [])].filter((part) => part !== '').join(', ');
  }

  async function resultOf(request: Request): Promise<unknown> {
    if (request.kind === 'start') return start(request);
    if (started === undefined) throw new Error('No backend has been started.');
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
    throw new Error(`An earlier call has left '${tf.getBackend()}' the current backend, not '${backend}'.`);
  }
  let result: unknown;
  try {
    result = await Promise.race([device.lost, target(...(JSON.parse(args) as unknown[]))]);
  } catch (error) {
    // What the device has to say often explains it.
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
