/** Far more than any model has. What recurses over a checkpoint must never run out of stack. */
const MAX_DEPTH = 1000;

/**
 * Whether `value`, from outside, can be copied and walked through without surprises. A copy made key by key
 * of an object with a key `__proto__` has another prototype, and so keys that nobody has written.
 */
export function isHarmless(value: unknown): boolean {
  let level = new Set(isObject(value) ? [value] : []);
  // The depth is also where an object ends that contains itself, as none does that a parser of JSON has made.
  for (let depth = 0; level.size > 0; depth++) {
    if (depth > MAX_DEPTH) return false;
    const next = new Set<object>();
    for (const item of level) {
      if (Object.hasOwn(item, '__proto__')) return false;
      if (ArrayBuffer.isView(item)) continue;
      for (const inner of Object.values(item) as unknown[]) if (isObject(inner)) next.add(inner);
    }
    level = next;
  }
  return true;
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}
