import { EntropyCheckpointError } from '../../src/errors.js';

/** The error of this package that `promise` is rejected with; another error is thrown on. */
export async function rejection(promise: Promise<unknown>): Promise<EntropyCheckpointError> {
  try {
    await promise;
  } catch (error) {
    if (error instanceof EntropyCheckpointError) return error;
    throw error;
  }
  throw new Error('Expected a rejection.');
}

/** The error of this package that `action` throws; another error is thrown on. */
export function thrownBy(action: () => unknown): EntropyCheckpointError {
  try {
    action();
  } catch (error) {
    if (error instanceof EntropyCheckpointError) return error;
    throw error;
  }
  throw new Error('Expected an error.');
}
