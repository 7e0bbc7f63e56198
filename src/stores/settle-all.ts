/**
 * Waits until all promises have settled, then resolves with their values. Nothing is running any more when it rejects.
 *
 * @throws the error of the first promise in the list that was rejected.
 */
export async function settleAll<const Promises extends readonly Promise<unknown>[]>(
  promises: Promises,
): Promise<{ -readonly [Index in keyof Promises]: Awaited<Promises[Index]> }> {
  await Promise.allSettled(promises);
  return Promise.all(promises);
}
