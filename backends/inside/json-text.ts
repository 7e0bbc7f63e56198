/**
 * JSON that is read back as it was written. `JSON.stringify` alone turns NaN into null and a typed array into
 * an object, and a test would compare with something else than it was given.
 *
 * @returns null for `undefined`.
 * @throws Error that names the place of a value which JSON does not have.
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

/** @param isElement of an array: JSON leaves out a property that is undefined, but writes an element as null. */
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
