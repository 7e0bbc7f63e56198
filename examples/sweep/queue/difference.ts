import { isDeepStrictEqual } from 'node:util';

/**
 * How stored JSON data differ from those that are wanted, such as `epochs is 10 instead of 20`.
 *
 * @returns null if they don't.
 */
export function differenceOf(found: unknown, wanted: object): string | null {
  const [before, now] = [fieldsOf(found), fieldsOf(wanted)];
  const names = [...new Set([...Object.keys(now), ...Object.keys(before)])];
  const different = names.filter((name) => !isDeepStrictEqual(before[name], now[name]));
  if (different.length === 0) return null;
  return different.map((name) => `${name} is ${text(before[name])} instead of ${text(now[name])}`).join(', ');
}

/** JSON leaves out what is undefined. */
function fieldsOf(data: unknown): Record<string, unknown> {
  return { ...(JSON.parse(JSON.stringify(data ?? {})) as object) };
}

function text(value: unknown): string {
  return value === undefined ? 'none' : JSON.stringify(value);
}
