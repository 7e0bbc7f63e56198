import { EntropyCheckpointError } from '../../src/errors.js';

/** Expects `promise` to reject with an error of this package, and returns it. Any other error is rethrown. */
export async function rejection(promise: Promise<unknown>): Promise<EntropyCheckpointError> {
  try {
    await promise;
  } catch (error) {
    if (error instanceof EntropyCheckpointError) return error;
    throw error;
  }
  throw new Error('Expected a rejection.');
}

/** Expects `action` to throw an error of this package, and returns it. Any other error is rethrown. */
export function thrownBy(action: () => unknown): EntropyCheckpointError {
  try {
    action();
  } catch (error) {
    if (error instanceof EntropyCheckpointError) return error;
    throw error;
  }
  throw new Error('Expected an error.');
}
