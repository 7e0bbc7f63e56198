import { HandlerStore } from '../../../src/stores/handler-store.js';
import { IndexedDbStore } from '../../../src/stores/indexed-db/indexed-db-store.js';
import { resolveLocation } from '../../../src/stores/resolve-location.js';
import type { CheckpointStore } from '../../../src/stores/store.js';
import { storeCaseNamed } from './store-cases.js';
import type { StoreTraits } from './store-case.js';

/** The stores of a browser, by URL scheme. */
export const BROWSER_STORES: readonly (readonly [scheme: string, StoreTraits])[] = [
  ['indexeddb://', { capacity: 'many', holdsLarge: true }],
  ['localstorage://', { capacity: 'one', holdsLarge: false }],
];

/** More than any case makes. They are loaded in advance, as `MakeStore` is synchronous. */
const STORES_PER_CASE = 10;

let locationCount = 0;

/** Runs a case in a new location. The conformance tests call it in the page. */
export async function runStoreCase(scheme: string, name: string): Promise<void> {
  const location = resolveLocation(`${scheme}location-${locationCount++}`);
  const stores: CheckpointStore[] = [];
  for (let i = 0; i < STORES_PER_CASE; i++) stores.push(await location.loadStore());
  const Expected = scheme === 'indexeddb://' ? IndexedDbStore : HandlerStore;
  await storeCaseNamed(name).run(() => {
    const store = stores.pop();
    if (store instanceof Expected) return store;
    throw new Error(
      `Expected ${STORES_PER_CASE} stores of ${location.name} to suffice, each a ${Expected.name}.`,
    );
  });
}
