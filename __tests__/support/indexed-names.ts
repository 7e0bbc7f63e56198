/**
 * The names of all objects that a prefix of `S3Store` should hold, in order.
 *
 * @param index the text of its `entropy-checkpoint.json`.
 */
export function indexedNames(index: string): string[] {
  const { slots } = (JSON.parse(index) as { entropyCheckpointIndex: { slots: Record<string, IndexedSlot> } })
    .entropyCheckpointIndex;
  const copies = Object.keys(slots).map((slot) => (slot === 'best' ? 'model.json' : `model.${slot}.json`));
  const named = Object.values(slots).flatMap(({ manifest, shards }) => [manifest, ...shards]);
  return [...new Set(['entropy-checkpoint.json', ...copies, ...named])].sort();
}

interface IndexedSlot {
  readonly manifest: string;
  readonly shards: readonly string[];
}
