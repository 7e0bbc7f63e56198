import { HandlerStore } from '../../../src/stores/handler-store.js';
import { IndexedDbStore } from '../../../src/stores/indexed-db/indexed-db-store.js';
import { resolveLocation } from '../../../src/stores/resolve-location.js';
import type { CheckpointStore } from '../../../src/stores/store.js';
import { storeCaseNamed } from './all-cases.js';
import type { StoreTerms } from './store-case.js';

/** Stores of a browser, as users name them. */
export const BROWSER_STORES: readonly (readonly [scheme: string, StoreTerms])[] = [
  ['indexeddb://', { capacity: 'many', holdsLarge: true }],
  ['localstorage://', { capacity: 'one', holdsLarge: false }],
];

/** More than any case makes. */
const STORES_OF_A_CASE = 10;

let places = 0;

/** What the conformance tests call in the page. */
export async function runStoreCase(scheme: string, name: string): Promise<void> {
  const place = resolveLocation(`${scheme}place-${places++}`);
  const stores: CheckpointStore[] = [];
  for (let i = 0; i < STORES_OF_A_CASE; i++) stores.push(await place.loadStore());
  const Expected = scheme === 'indexeddb://' ? IndexedDbStore : HandlerStore;
  await storeCaseNamed(name).run(() => {
    const store = stores.pop();
    if (store instanceof Expected) return store;
    throw new Error(`${place.name} is another store than was expected, or there are too few.`);
  });
}
