import { describeValue, invalidOption } from '../check-options.js';
import { excerpt } from '../errors.js';
import type { Json } from '../stores/store.js';

/** In characters of JSON: it's stored with every checkpoint, and far from what makes a manifest too large to load. */
const MAX_LENGTH = 500_000;
const MAX_LEVELS = 100;
const EXPECTED =
  'text, finite numbers except -0, booleans and null, and lists and plain objects of them, at most 100 levels deep';

/**
 * A copy of `value`, which JSON must hold exactly.
 *
 * @param name of the option, for messages.
 * @throws EntropyCheckpointError `ENTROPY_INVALID_OPTION` for what JSON can't hold, with the path of that part; and for
 *   more than 500,000 characters of JSON.
 */
export function copyOfJson(name: string, value: unknown): Json {
  const text = jsonTextOf(name, value);
  const length = text?.length ?? 0;
  if (length > MAX_LENGTH) {
    throw invalidOption(
      `Expected \`${name}\` to have at most ${MAX_LENGTH} characters as JSON, got ${length}.`,
    );
  }
  const copy = text === undefined ? undefined : (JSON.parse(text) as Json);
  requireExact(name, value, copy);
  return copy!;
}

/** undefined for what JSON leaves out, such as a function. */
function jsonTextOf(name: string, value: unknown): string | undefined {
  try {
    return JSON.stringify(value);
  } catch (cause) {
    // An object that contains itself, or a BigInt: the engine says where.
    throw refused(name, excerpt(cause));
  }
}

/** @param copy what JSON makes of `value`; undefined for nothing. */
function requireExact(name: string, value: unknown, copy: Json | undefined, levels = MAX_LEVELS): void {
  if (typeof copy !== 'object' || copy === null) {
    if (copy !== undefined && Object.is(copy, value)) return;
    throw refused(name, describeValue(value));
  }
  const isList = Array.isArray(value);
  if (levels === 0 || !(isList || isPlain(value))) throw refused(name, 'an object');
  // Not `Object.keys`: what JSON leaves out is lost as well.
  for (const key of Reflect.ownKeys(value as object)) {
    if (isList && key === 'length') continue;
    // A store refuses `__proto__`.
    const copied = key === '__proto__' ? undefined : (copy as Record<PropertyKey, Json>)[key];
    requireExact(`${name}.${String(key)}`, (value as Record<PropertyKey, unknown>)[key], copied, levels - 1);
  }
  // JSON fills the holes of a list.
  if (isList && Object.keys(value).length < value.length) throw refused(name, 'a list with holes');
}

/** Whether a value is an object of no class, also one of another window. */
function isPlain(value: unknown): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === null || Object.getPrototypeOf(prototype) === null;
}

function refused(name: string, got: string): Error {
  return invalidOption(`Expected \`${excerpt(name, 80)}\` to be JSON data (${EXPECTED}), got ${got}.`);
}
