/** The parts of a CPU profile, as the inspector of V8 gives it, that are used here. */
export interface Profile {
  readonly nodes: readonly {
    readonly id: number;
    readonly callFrame: { readonly functionName: string; readonly url: string };
    readonly children?: readonly number[] | undefined;
  }[];
  /** The ids of the nodes that were on top of the stack. */
  readonly samples?: readonly number[] | undefined;
}

/** A number of samples. */
export interface SampleCount {
  /** Those in which this package was at work. */
  readonly own: number;
  /** All but idle ones. */
  readonly total: number;
}

/**
 * What this package calls in the place of TensorFlow.js, which would have called it anyway. `fit` without a callback makes a
 * `CustomCallback` that yields to the event loop. With one, that one does it.
 */
const WRAPPED =
  /(^|\.)(categoricalCrossentropy(\$\d+)?|testLoop|testFunction|CustomCallback\.on(Batch|Epoch|Train)(Begin|End))$/;

/**
 * Counts the samples with a frame of this package on the stack, and without a wrapped function above it.
 *
 * @param root the URL of the sources, with a slash at its end.
 */
export function countOwnSamples({ nodes, samples = [] }: Profile, root: string): SampleCount {
  const byId = new Map(nodes.map((node) => [node.id, node]));
  const isOwn = new Map<number, boolean>();
  // Parents come before their children.
  const pending = nodes.slice(0, 1).map(({ id }) => ({ id, inherited: false }));
  for (const { id, inherited } of pending) {
    const { callFrame, children = [] } = byId.get(id)!;
    const own = callFrame.url.startsWith(root) || (inherited && !WRAPPED.test(callFrame.functionName));
    isOwn.set(id, own);
    for (const child of children) pending.push({ id: child, inherited: own });
  }
  const counted = samples.filter((id) => byId.get(id)!.callFrame.functionName !== '(idle)');
  return { own: counted.filter((id) => isOwn.get(id)).length, total: counted.length };
}
