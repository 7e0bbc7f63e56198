import { HandlerStore } from '../../../src/stores/handler-store.js';
import { IndexedDbStore } from '../../../src/stores/indexed-db-store.js';
import { resolveStore } from '../../../src/stores/resolve-store.js';
import type { CheckpointStore } from '../../../src/stores/store.js';
import { storeCaseNamed } from './all-cases.js';
import type { StoreTerms } from './store-case.js';

/** Stores of a browser, as users name them. */
export const BROWSER_STORES: readonly (readonly [scheme: string, StoreTerms])[] = [
  ['indexeddb://', { capacity: 'many', holdsLarge: true }],
  ['localstorage://', { capacity: 'one', holdsLarge: false }],
];

let places = 0;

/** What the conformance tests call in the page. */
export async function runStoreCase(scheme: string, name: string): Promise<void> {
  const place = `${scheme}place-${places++}`;
  const makeStore = (): CheckpointStore => resolveStore(place);
  const Expected = scheme === 'indexeddb://' ? IndexedDbStore : HandlerStore;
  if (!(makeStore() instanceof Expected)) throw new Error(`${place} is another store than was expected.`);
  await storeCaseNamed(name).run(makeStore);
}
