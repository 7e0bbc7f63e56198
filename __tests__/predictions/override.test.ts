import { expect, test } from '@jest/globals';
import { override } from '../../src/predictions/override.js';

class Greeter {
  name = 'own';
  greet(): string {
    return `hello, ${this.name}`;
  }
}

test('an own property has its new value, then its former one', () => {
  const object = { value: 1 };
  const undo = override(object, 'value', { writable: true, value: 2 });
  expect(object.value).toBe(2);
  undo();
  expect(Object.getOwnPropertyDescriptors(object)).toEqual(Object.getOwnPropertyDescriptors({ value: 1 }));
});

test('a method of the prototype is covered, and shows again', () => {
  const greeter = new Greeter();
  const undo = override(greeter, 'greet', { writable: true, value: () => 'overridden' });
  expect(greeter.greet()).toBe('overridden');
  expect(new Greeter().greet()).toBe('hello, own');
  undo();
  expect(greeter.greet()).toBe('hello, own');
  expect(Object.hasOwn(greeter, 'greet')).toBe(false);
});

test('a property that was not there is gone again', () => {
  const object: { value?: number } = {};
  const undo = override(object, 'value', { value: 2 });
  expect(object.value).toBe(2);
  undo();
  expect('value' in object).toBe(false);
});

test('a getter and its attributes come back as they were', () => {
  const object = {} as { readonly value: number };
  Object.defineProperty(object, 'value', { configurable: true, enumerable: false, get: () => 1 });
  const before = Object.getOwnPropertyDescriptor(object, 'value');
  const undo = override(object, 'value', { get: () => 2 });
  expect(object.value).toBe(2);
  undo();
  expect(Object.getOwnPropertyDescriptor(object, 'value')).toEqual(before);
});

test('a value that was written meanwhile gives way to the former', () => {
  const object = { value: 1 };
  const undo = override(object, 'value', { writable: true, value: 2 });
  object.value = 3;
  undo();
  expect(object.value).toBe(1);
});

test('two overrides are undone in reverse', () => {
  const object = { value: 1 };
  const first = override(object, 'value', { writable: true, value: 2 });
  const second = override(object, 'value', { writable: true, value: 3 });
  second();
  expect(object.value).toBe(2);
  first();
  expect(object.value).toBe(1);
});
