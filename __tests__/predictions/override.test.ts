import { describe, expect, test } from '@jest/globals';
import { override } from '../../src/predictions/override.js';

class Greeter {
  name = 'own';
  greet(): string {
    return `hello, ${this.name}`;
  }
}

describe('override', () => {
  test('overrides an own property and restores it', () => {
    const object = { value: 1 };
    const undo = override(object, 'value', { writable: true, value: 2 });
    expect(object.value).toBe(2);
    undo();
    expect(Object.getOwnPropertyDescriptors(object)).toEqual(Object.getOwnPropertyDescriptors({ value: 1 }));
  });

  test('overrides a prototype method of one object and restores it', () => {
    const greeter = new Greeter();
    const undo = override(greeter, 'greet', { writable: true, value: () => 'overridden' });
    expect(greeter.greet()).toBe('overridden');
    expect(new Greeter().greet()).toBe('hello, own');
    undo();
    expect(greeter.greet()).toBe('hello, own');
    expect(Object.hasOwn(greeter, 'greet')).toBe(false);
  });

  test('removes a property that did not exist before', () => {
    const object: { value?: number } = {};
    const undo = override(object, 'value', { value: 2 });
    expect(object.value).toBe(2);
    undo();
    expect('value' in object).toBe(false);
  });

  test('restores a getter with its attributes', () => {
    const object = {} as { readonly value: number };
    Object.defineProperty(object, 'value', { configurable: true, enumerable: false, get: () => 1 });
    const before = Object.getOwnPropertyDescriptor(object, 'value');
    const undo = override(object, 'value', { get: () => 2 });
    expect(object.value).toBe(2);
    undo();
    expect(Object.getOwnPropertyDescriptor(object, 'value')).toEqual(before);
  });

  test('restores the original value after another write', () => {
    const object = { value: 1 };
    const undo = override(object, 'value', { writable: true, value: 2 });
    object.value = 3;
    undo();
    expect(object.value).toBe(1);
  });

  test('nests: two overrides are undone in reverse order', () => {
    const object = { value: 1 };
    const first = override(object, 'value', { writable: true, value: 2 });
    const second = override(object, 'value', { writable: true, value: 3 });
    second();
    expect(object.value).toBe(2);
    first();
    expect(object.value).toBe(1);
  });
});
