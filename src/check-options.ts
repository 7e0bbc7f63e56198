import { EntropyCheckpointError } from './errors.js';

/** A check of a value, and what a message says is allowed: "Expected `topK` to be …". */
export type OptionCheck = readonly [isValid: (value: unknown) => boolean, expected: string];

export const isBoolean = (value: unknown): boolean => typeof value === 'boolean';
export const isFunction = (value: unknown): boolean => typeof value === 'function';
export const isName = (value: unknown): boolean => typeof value === 'string' && value !== '';
/** Also one of another window. */
export const isUrl = (value: unknown): value is URL =>
  Object.prototype.toString.call(value) === '[object URL]';
export const isFiniteNumber = (value: unknown): value is number => Number.isFinite(value);
/** A number of milliseconds above 0, or Infinity. */
export const isTimeoutMs = (value: unknown): boolean => typeof value === 'number' && value > 0;
export const isIntegerFrom =
  (min: number) =>
  (value: unknown): boolean =>
    Number.isInteger(value) && (value as number) >= min;
export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
export const isOneOf =
  (...allowed: unknown[]) =>
  (value: unknown): boolean =>
    allowed.includes(value);

/**
 * Checks an options object as a caller passed it: unknown names, and values that aren't allowed. An option that
 * is `undefined` counts as left out.
 *
 * @param options callers in JavaScript may pass anything.
 * @param otherNames the names of options here, by those in other libraries, in camel case.
 * @throws EntropyCheckpointError `ENTROPY_INVALID_OPTION`.
 */
export function checkOptions(
  options: unknown,
  checks: Readonly<Record<string, OptionCheck>>,
  otherNames: Readonly<Record<string, string>> = {},
): void {
  if (!isObject(options)) {
    throw invalidOption(`Expected an object of options, got ${describeValue(options)}.`);
  }
  for (const [name, value] of Object.entries(options)) {
    if (!Object.hasOwn(checks, name)) throw unknownOption(name, Object.keys(checks), otherNames);
    const [isValid, expected] = checks[name]!;
    if (value === undefined || isValid(value)) continue;
    throw invalidOption(`Expected \`${name}\` to be ${expected}, got ${describeValue(value)}.`);
  }
}

/** @throws EntropyCheckpointError `ENTROPY_INVALID_ARGUMENT`. */
export function checkArgument(name: string, value: unknown, [isValid, expected]: OptionCheck): void {
  if (isValid(value)) return;
  throw new EntropyCheckpointError(
    'ENTROPY_INVALID_ARGUMENT',
    `Expected \`${name}\` to be ${expected}, got ${describeValue(value)}.`,
  );
}

export function invalidOption(message: string): EntropyCheckpointError {
  return new EntropyCheckpointError('ENTROPY_INVALID_OPTION', message);
}

/** Describes any value for a message, in a few words. */
export function describeValue(value: unknown): string {
  if (typeof value === 'string') return `'${value}'`;
  if (typeof value === 'number' || typeof value === 'boolean' || value == null) return String(value);
  if (Array.isArray(value)) return `[${value.map(describeValue).join(', ')}]`;
  return typeof value === 'object' ? 'an object' : `a ${typeof value}`;
}

function unknownOption(
  name: string,
  known: readonly string[],
  otherNames: Readonly<Record<string, string>>,
): EntropyCheckpointError {
  const camelCase = name.replace(/_(\w)/g, (_, letter: string) => letter.toUpperCase());
  const similar = Object.hasOwn(otherNames, camelCase) ? otherNames[camelCase]! : mostSimilar(name, known);
  const hint = similar === null ? '' : ` Did you mean \`${similar}\`?`;
  return invalidOption(`Unknown option \`${name}\`.${hint} The options are ${known.join(', ')}.`);
}

/** The known name that `name` probably misspells; null if none is close. */
export function mostSimilar(name: string, known: readonly string[]): string | null {
  const distances = known.map((other) => editDistance(name.toLowerCase(), other.toLowerCase()));
  const nearest = Math.min(...distances);
  return nearest <= Math.max(1, name.length / 3) ? known[distances.indexOf(nearest)]! : null;
}

/** How many characters to insert, delete, replace, or swap with the next one. */
function editDistance(a: string, b: string): number {
  let [beforeLast, last] = [[] as number[], Array.from({ length: b.length + 1 }, (_, j) => j)];
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const replaced = last[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1);
      const isSwap = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      const swapped = isSwap ? beforeLast[j - 2]! + 1 : Infinity;
      row.push(Math.min(replaced, swapped, last[j]! + 1, row[j - 1]! + 1));
    }
    [beforeLast, last] = [last, row];
  }
  return last[b.length]!;
}
