import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { canonicalJson } from '../../src/format/checksum.js';

const textOf = (value: unknown): string => [...canonicalJson(value)].join('');

/** The same value with the keys of every object in reverse order. */
function reversed(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(reversed);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).reverse();
  return Object.fromEntries(entries.map(([key, item]) => [key, reversed(item)]));
}

test('canonicalJson gives the same JSON for any order of keys', () => {
  fc.assert(
    fc.property(fc.jsonValue({ maxDepth: 8 }), (value) => {
      const text = textOf(value);
      expect(JSON.parse(text)).toEqual(JSON.parse(JSON.stringify(value)));
      expect(textOf(reversed(value))).toBe(text);
    }),
    { numRuns: 300 },
  );
});

test('canonicalJson sorts keys at every depth and leaves out undefined fields', () => {
  const deep = { b: [{ d: { c: { f: { e: { z: 1, a: [{ y: 2, x: undefined }] } } } } }], a: undefined };
  expect(textOf(deep)).toBe('{"b":[{"d":{"c":{"f":{"e":{"a":[{"y":2}],"z":1}}}}}]}');
});

test('canonicalJson splits a model of a thousand layers into short pieces', () => {
  const layers = Array.from({ length: 1000 }, (_, i) => ({ name: `dense_${i}`, units: 10 }));
  const pieces = [...canonicalJson([{ class_name: 'Model', config: { layers } }])];
  expect(Math.max(...pieces.map(({ length }) => length))).toBeLessThan(100);
});
