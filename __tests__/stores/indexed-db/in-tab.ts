import { IndexedDbStore } from '../../../src/stores/indexed-db/indexed-db-store.js';
import type { CheckpointSlot } from '../../../src/stores/store.js';
import { rawRecords } from './raw-database.js';
import { assertNoLeftovers } from './indexed-db-case.js';
import { assertStored, sampleOf, sourceOf, type SampleSizes } from '../conformance/sample.js';
import { gate } from '../conformance/store-case.js';

/** The stores of this tab, by location. The tests call the functions of this module. */
const stores = new Map<string, IndexedDbStore>();
const continuations = new Map<string, () => void>();
const saves = new Map<string, Promise<unknown>>();

function storeOf(location: string): IndexedDbStore {
  const store = stores.get(location) ?? new IndexedDbStore(location);
  stores.set(location, store);
  return store;
}

export function open(location: string): Promise<void> {
  return storeOf(location).open();
}

export function close(location: string): void {
  storeOf(location).close();
}

export async function save(
  location: string,
  step: number,
  into: CheckpointSlot[],
  sizes: SampleSizes,
): Promise<void> {
  await storeOf(location).save(sourceOf(await sampleOf(step, sizes)), { into, keep: ['best', 'last'] });
}

/** Starts a save. Resolves when two shards have been read; the save then waits for `finishSave`. */
export async function beginSave(location: string, step: number): Promise<void> {
  const [reached, mayContinue] = [gate(), gate()];
  const source = sourceOf(await sampleOf(step), {
    beforeShard: async (index) => {
      if (index !== 2) return;
      reached.open();
      await mayContinue.opened;
    },
  });
  const saving = storeOf(location).save(source, { into: ['best'], keep: [] });
  continuations.set(location, mayContinue.open);
  saves.set(location, saving);
  await Promise.race([reached.opened, saving]);
}

export async function finishSave(location: string): Promise<void> {
  continuations.get(location)?.();
  await saves.get(location);
}

/** Asserts that the slot holds exactly the checkpoint of a step, or nothing where it is null. */
export async function expectStep(
  location: string,
  slot: CheckpointSlot,
  step: number | null,
  sizes: SampleSizes = {},
): Promise<void> {
  await assertStored(storeOf(location), step === null ? null : await sampleOf(step, sizes), slot);
}

export async function countShards(location: string): Promise<number> {
  return Object.keys((await rawRecords(location)).shards).length;
}

export function expectNoLeftovers(location: string): Promise<void> {
  return assertNoLeftovers(location);
}

let worker: Worker | null = null;

/** Runs the script of this page in a worker. `inWorker` calls its functions. */
export async function startWorker(): Promise<void> {
  const script = await (await fetch('/page.js')).text();
  const listener = `
    globalThis.onmessage = async ({ data }) => postMessage(await globalThis.answerBackendRequest(data));
    postMessage(null);
  `;
  const url = URL.createObjectURL(new Blob([script, listener], { type: 'text/javascript' }));
  worker = new Worker(url, { type: 'module' });
  await nextMessage(worker);
  await askWorker({ kind: 'start', backend: 'cpu', flags: {}, requireGpu: false, entry: '' });
}

export function inWorker(name: string, ...args: unknown[]): Promise<void> {
  return askWorker({ kind: 'call', name, args: JSON.stringify(args) });
}

export function terminateWorker(): void {
  worker?.terminate();
}

async function askWorker(request: object): Promise<void> {
  const answering = nextMessage(worker!);
  worker!.postMessage(request);
  const answer = (await answering) as { failure?: { message: string; code?: string } };
  if (answer.failure !== undefined) {
    throw Object.assign(new Error(answer.failure.message), { code: answer.failure.code });
  }
}

function nextMessage(from: Worker): Promise<unknown> {
  return new Promise((resolve, reject) => {
    from.onmessage = ({ data }) => {
      resolve(data);
    };
    from.onerror = ({ message }) => {
      reject(new Error(message));
    };
  });
}
