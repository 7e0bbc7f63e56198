// How data from outside (files, handlers, a page's storage) is checked before it's used. A checksum that matches proves
// nothing: an attacker can compute one.

import { isObject } from '../check-options.js';
import { MAX_DEPTH, MAX_MANIFEST_BYTES, maxContainers } from './json-limits.js';

/** Whether a value has the expected form. */
export type Check = (value: unknown) => boolean;

export const isString: Check = (value) => typeof value === 'string';
export const isBoolean: Check = (value) => typeof value === 'boolean';
/** An integer from 0 up. */
export const isCount: Check = (value) => Number.isSafeInteger(value) && (value as number) >= 0;

export const orNull =
  (check: Check): Check =>
  (value) =>
    value === null || check(value);

export const listOf =
  (check: Check): Check =>
  (value) =>
    Array.isArray(value) && value.every(check);

export const recordOf =
  (check: Check): Check =>
  (value) =>
    isObject(value) && Object.values(value).every(check);

type Shape = Readonly<Record<string, Check>>;

/** An object with exactly these keys. */
export const isShape =
  (checks: Shape): Check =>
  (value) =>
    isObject(value) && Object.keys(value).length === Object.keys(checks).length && hasShape(checks)(value);

/** An object with at least these keys. */
export const hasShape =
  (checks: Shape): Check =>
  (value) =>
    isObject(value) &&
    Object.entries(checks).every(([key, check]) => Object.hasOwn(value, key) && check(value[key]));

/**
 * Whether `value` can be copied and traversed safely. Copying an object with a key `__proto__` key by key would set the
 * copy's prototype, and so give it keys that nobody wrote.
 */
export function isHarmless(value: unknown): boolean {
  // A handler's objects were parsed elsewhere. A set that is too large would throw.
  let containersLeft = maxContainers(MAX_MANIFEST_BYTES);
  let level = new Set(isNested(value) ? [value] : []);
  // The limit also ends the traversal of an object that contains itself. No JSON parser makes one, but a handler may.
  for (let depth = 0; level.size > 0; depth++) {
    if (depth > MAX_DEPTH) return false;
    const next = new Set<object>();
    for (const item of level) {
      if (Object.hasOwn(item, '__proto__')) return false;
      if (ArrayBuffer.isView(item)) continue;
      for (const inner of Object.values(item) as unknown[]) if (isNested(inner)) next.add(inner);
      if (next.size > containersLeft) return false;
    }
    containersLeft -= next.size;
    level = next;
  }
  return true;
}

function isNested(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}
