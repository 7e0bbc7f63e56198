/**
 * JSON that parses to the same value. `JSON.stringify` alone turns NaN into null and a typed array into an object, and a
 * test would then compare a changed value.
 *
 * @returns null for `undefined`.
 * @throws Error that names the key of a value that JSON cannot represent.
 */
export function toJsonText(value: unknown, what: string): string | null {
  if (value === undefined) return null;
  return JSON.stringify(value, function (this: unknown, key: string, inner: unknown) {
    const problem = problemOf(inner, Array.isArray(this));
    if (problem === null) return inner;
    throw new Error(
      `Expected ${what} to consist of JSON values, got ${problem}${key === '' ? '' : ` at '${key}'`}.`,
    );
  });
}

/** @param isElement whether it is in an array, where JSON writes undefined as null. It leaves out a property. */
function problemOf(value: unknown, isElement: boolean): string | null {
  if (ArrayBuffer.isView(value)) return `a ${value.constructor.name} (use Array.from)`;
  switch (typeof value) {
    case 'number':
      return Number.isFinite(value) ? null : String(value);
    case 'undefined':
      return isElement ? 'undefined' : null;
    case 'bigint':
    case 'function':
    case 'symbol':
      return `a ${typeof value}`;
    default:
      return null;
  }
}
