import { assert } from 'chai';
import { EntropyCheckpointError, type EntropyCheckpointErrorCode } from '../../../src/errors.js';
import type { CheckpointStore, SlotUpdate } from '../../../src/stores/store.js';

/** Makes a store of the location under test, which is empty at first. May return the same object each time. */
export type MakeStore = () => CheckpointStore;

/** One test of the behaviour that every store must have. It runs where the store runs, such as in a browser's page. */
export interface StoreCase {
  readonly name: string;
  /** `'many'`: skipped for a store that has only the slot `'best'`. */
  readonly capacity: CheckpointStore['capacity'];
  /** Whether it stores more than `localStorage` can hold. */
  readonly isLarge?: boolean;
  readonly run: (makeStore: MakeStore) => Promise<void>;
}

/** How stores differ. */
export interface StoreTraits {
  readonly capacity: CheckpointStore['capacity'];
  readonly holdsLarge: boolean;
}

export function casesFor(cases: readonly StoreCase[], { capacity, holdsLarge }: StoreTraits): StoreCase[] {
  return cases.filter(
    (storeCase) =>
      (capacity === 'many' || storeCase.capacity === 'one') && (holdsLarge || storeCase.isLarge !== true),
  );
}

export const INTO_BEST: SlotUpdate = { into: ['best'], keep: [] };

/** The error that `promise` is rejected with. @throws unless it is this package's, with the expected code. */
export async function rejectionWith(
  promise: Promise<unknown>,
  code: EntropyCheckpointErrorCode,
): Promise<EntropyCheckpointError> {
  try {
    await promise;
  } catch (error) {
    if (!(error instanceof EntropyCheckpointError)) throw error;
    assert.equal(error.code, code, error.message);
    return error;
  }
  throw new Error(`Expected a rejection with ${code}.`);
}

/** A promise with the function that resolves it. */
export function gate(): { readonly opened: Promise<void>; readonly open: () => void } {
  let open: () => void = () => undefined;
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { opened, open };
}
