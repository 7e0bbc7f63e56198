/** Far more than any model has. What recurses over a checkpoint must never run out of stack. */
const MAX_DEPTH = 1000;

/**
 * Whether `value`, from outside, can be copied and walked through without surprises. A copy made key by key
 * of an object with a key `__proto__` has another prototype, and so keys that nobody has written.
 */
export function isHarmless(value: unknown): boolean {
  let level = [value];
  // The depth is also where an object ends that contains itself, as none does that a parser of JSON has made.
  for (let depth = 0; level.length > 0; depth++) {
    const objects = level.filter((item) => typeof item === 'object' && item !== null);
    if (depth > MAX_DEPTH || objects.some((item) => Object.hasOwn(item, '__proto__'))) return false;
    const inner = objects.flatMap((item): unknown[] => (ArrayBuffer.isView(item) ? [] : Object.values(item)));
    level = [...new Set(inner)];
  }
  return true;
}
