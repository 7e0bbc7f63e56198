/** What an inspected object says of itself. */
interface Inspectable {
  toJSON(): {
    readonly best: { readonly epoch: number; readonly value: number | null } | null;
    readonly kept: readonly { readonly epoch: number }[];
    readonly history: readonly unknown[];
  };
}

/** What Node passes: how deep to show, with which options, and the function that shows another value. */
type InspectArguments = [
  depth: number | null,
  options: object,
  inspect: (value: unknown, options: object) => string,
];

/** The name of the method that `console.log` and `util.inspect` call. */
const INSPECT = Symbol.for('nodejs.util.inspect.custom');

/** Lets Node print the objects of a class in a short form: epochs by their numbers, and no private fields. */
export function defineInspection({ prototype }: { readonly prototype: Inspectable }): void {
  Object.defineProperty(prototype, INSPECT, { configurable: true, writable: true, value: inspectThis });
}

function inspectThis(this: Inspectable, ...[depth, options, inspect]: InspectArguments): string {
  const { name } = this.constructor;
  if (depth !== null && depth < 0) return `[${name}]`;
  // It may be a proxy, but this method is bound.
  const { best, kept, history, ...rest } = this.toJSON();
  const shown = {
    ...rest,
    best: best === null ? null : { epoch: best.epoch, value: best.value },
    kept: kept.map(({ epoch }) => epoch),
    epochs: history.length,
  };
  return `${name} ${inspect(shown, options)}`;
}
