import { assert } from 'chai';
import { EntropyCheckpointError, type EntropyCheckpointErrorCode } from '../../../src/errors.js';
import type { CheckpointStore, SlotUpdate } from '../../../src/stores/store.js';

/** Another store of the same place, which is empty at first. It may be the same object where that is the place. */
export type MakeStore = () => CheckpointStore;

/** One thing that must hold of every store. It runs where the store is, which may be a browser's page. */
export interface StoreCase {
  readonly name: string;
  /** `'many'`: left out for a store that has the slot `'best'` alone. */
  readonly capacity: CheckpointStore['capacity'];
  /** More than `localStorage` holds. */
  readonly isLarge?: boolean;
  readonly run: (makeStore: MakeStore) => Promise<void>;
}

/** What differs between places. */
export interface StoreTerms {
  readonly capacity: CheckpointStore['capacity'];
  readonly holdsLarge: boolean;
}

export function casesFor(cases: readonly StoreCase[], { capacity, holdsLarge }: StoreTerms): StoreCase[] {
  return cases.filter(
    (one) => (capacity === 'many' || one.capacity === 'one') && (holdsLarge || one.isLarge !== true),
  );
}

export const INTO_BEST: SlotUpdate = { into: ['best'], keep: [] };

/** The error of this package that `promise` is rejected with. */
export async function refusal(
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

/** A promise, and what resolves it. */
export function gate(): { readonly opened: Promise<void>; readonly open: () => void } {
  let open: () => void = () => undefined;
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { opened, open };
}
