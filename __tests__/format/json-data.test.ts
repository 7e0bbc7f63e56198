import { runInNewContext } from 'node:vm';
import { describe, expect, it, test } from '@jest/globals';
import fc from 'fast-check';
import { copyOfJson } from '../../src/format/json-data.js';
import { thrownBy } from '../support/errors.js';

const copyOf = (value: unknown): unknown => copyOfJson('metadata', value);

class Settings {
  rate = 0.1;
}

const cyclic: Record<string, unknown> = { a: 1 };
cyclic['self'] = { cyclic };

const nested = (levels: number): unknown => JSON.parse('['.repeat(levels) + ']'.repeat(levels));

describe('copyOfJson', () => {
  test.each<[string, unknown]>([
    ['null', null],
    ['text', 'größe \ud800 \u2028'],
    ['numbers', [0, -1.5, 5e-324, Number.MAX_VALUE, 0.1]],
    ['booleans', { yes: true, no: false }],
    ['nested lists and objects', { a: [{ b: [] }, {}], constructor: 1, '': [null] }],
    ['as many levels as allowed', nested(100)],
    ['an object without a prototype', Object.assign(Object.create(null) as object, { a: 1 })],
    ['the same object twice', [Settings, Settings].map(() => ({ a: 1 }))],
    ['an object of another window', runInNewContext('({ a: [1, { b: 2 }] })')],
  ])('copies %s', (_name, value) => {
    const copy = copyOf(value);
    expect(JSON.stringify(copy)).toBe(JSON.stringify(value));
    if (typeof value === 'object' && value !== null) expect(copy).not.toBe(value);
  });

  it('copies every JSON value', () => {
    fc.assert(
      fc.property(fc.jsonValue({ noUnicodeString: false, maxDepth: 5 }), (value) => {
        // JSON has no -0, which is refused.
        fc.pre(!hasMinusZero(value) && !JSON.stringify(value).includes('"__proto__"'));
        expect(copyOf(value)).toEqual(value);
      }),
    );
  });

  test.each<[string, unknown, RegExp]>([
    ['undefined', undefined, /Expected `metadata` to be JSON data.*got undefined/],
    ['a function', () => 1, /`metadata` .*got a function/],
    ['a symbol', Symbol('s'), /`metadata` .*got a symbol/],
    ['NaN', { a: { rate: NaN } }, /`metadata\.a\.rate` .*got NaN/],
    ['Infinity', [1, Infinity], /`metadata\.1` .*got Infinity/],
    ['-0', { a: -0 }, /`metadata\.a` /],
    ['a field of undefined', { a: undefined }, /`metadata\.a` .*got undefined/],
    ['a method', { a: { run: () => 1 } }, /`metadata\.a\.run` .*got a function/],
    ['a BigInt', { a: 1n }, /`metadata` .*BigInt/],
    ['an object that contains itself', cyclic, /`metadata` .*(circular|cyclic)/],
    ['a Map', { classes: new Map([['a', 1]]) }, /`metadata\.classes` .*got an object/],
    ['a Date', { at: new Date(0) }, /`metadata\.at` .*got an object/],
    ['a typed array', { a: new Float32Array(2) }, /`metadata\.a` .*got an object/],
    ['an object of a class', { a: new Settings() }, /`metadata\.a` .*got an object/],
    ['a boxed number', [Object(5)], /`metadata\.0` .*got an object/],
    ['an object that converts itself', { toJSON: () => 5 }, /`metadata` .*got an object/],
    ['a key that is a symbol', { [Symbol('key')]: 1 }, /`metadata\.Symbol\(key\)` /],
    ['a key that is not enumerable', Object.defineProperty({}, 'a', { value: 1 }), /`metadata\.a` /],
    // eslint-disable-next-line no-sparse-arrays -- what is tested
    ['a list with a hole', [1, , 3], /`metadata` .*a list with holes/],
    ['a list with a name', Object.assign([1], { name: 'x' }), /`metadata\.name` /],
    ['a key __proto__', JSON.parse('{ "a": { "__proto__": 1 } }'), /`metadata\.a\.__proto__` /],
    ['too many levels', nested(101), /100 levels/],
    ['far too many levels', nested(100_000), /`metadata[`.]/],
    ['too much text', 'x'.repeat(500_000), /at most 500000 characters as JSON, got 500002/],
    ['a long path', { ['k'.repeat(10_000)]: NaN }, /k…` to be/],
  ])('refuses %s', (_name, value, message) => {
    const error = thrownBy(() => copyOf(value));
    expect(error.code).toBe('ENTROPY_INVALID_OPTION');
    expect(error.message).toMatch(message);
    expect(error.message.length).toBeLessThan(1000);
  });
});

function hasMinusZero(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return Object.is(value, -0);
  return Object.values(value).some(hasMinusZero);
}
