import { IndexedDbStore } from '../../../src/stores/indexed-db/indexed-db-store.js';
import type { CheckpointSlot } from '../../../src/stores/store.js';
import { rawRecords } from './raw-database.js';
import { assertNoLeftovers } from './indexed-db-case.js';
import { assertHolds, sampleOf, sourceOf, type SampleSizes } from '../conformance/sample.js';
import { gate } from '../conformance/store-case.js';

/** What the tests call in a tab. Stores are kept by place, as a training keeps its own. */
const stores = new Map<string, IndexedDbStore>();
const continuations = new Map<string, () => void>();
const saves = new Map<string, Promise<void>>();

function storeOf(place: string): IndexedDbStore {
  const store = stores.get(place) ?? new IndexedDbStore(place);
  stores.set(place, store);
  return store;
}

export function open(place: string): Promise<void> {
  return storeOf(place).open();
}

export function close(place: string): void {
  storeOf(place).close();
}

export async function save(
  place: string,
  step: number,
  into: CheckpointSlot[],
  sizes: SampleSizes,
): Promise<void> {
  await storeOf(place).save(sourceOf(await sampleOf(step, sizes)), { into, keep: ['best', 'last'] });
}

/** Resolves when two shards have been read; the save then waits for `finishSave`. */
export async function beginSave(place: string, step: number): Promise<void> {
  const [reached, mayGoOn] = [gate(), gate()];
  const source = sourceOf(await sampleOf(step), {
    beforeShard: async (index) => {
      if (index !== 2) return;
      reached.open();
      await mayGoOn.opened;
    },
  });
  const saving = storeOf(place).save(source, { into: ['best'], keep: [] });
  continuations.set(place, mayGoOn.open);
  saves.set(place, saving);
  await Promise.race([reached.opened, saving]);
}

export async function finishSave(place: string): Promise<void> {
  continuations.get(place)?.();
  await saves.get(place);
}

/** Makes sure that the slot has the checkpoint of a step, whole; null is none. */
export async function expectStep(
  place: string,
  slot: CheckpointSlot,
  step: number | null,
  sizes: SampleSizes = {},
): Promise<void> {
  await assertHolds(storeOf(place), step === null ? null : await sampleOf(step, sizes), slot);
}

export async function countShards(place: string): Promise<number> {
  return Object.keys((await rawRecords(place)).shards).length;
}

export function expectNoLeftovers(place: string): Promise<void> {
  return assertNoLeftovers(place);
}

let worker: Worker | null = null;

/** Runs the script of this page in a worker, whose functions `inWorker` calls. */
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
