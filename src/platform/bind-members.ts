/**
 * Gives an object its own copy of every method and accessor of its classes, bound to it.
 *
 * A program that sees the object through a proxy calls them with the proxy as `this`, and a proxy has no private fields.
 * A method that is passed on without its object works as well. Vue makes no proxy of such an object.
 */
export function bindMembers(object: object): void {
  // What Vue's `markRaw` sets.
  Object.defineProperty(object, '__v_skip', { value: true });
  for (const [name, prototype] of membersOf(object)) {
    const bound = { configurable: true, enumerable: false };
    const { value } = Object.getOwnPropertyDescriptor(prototype, name) as { value?: unknown };
    if (typeof value === 'function') {
      const method: unknown = value.bind(object);
      Object.defineProperty(object, name, { ...bound, writable: true, value: method });
    } else {
      Object.defineProperty(object, name, {
        ...bound,
        get: (): unknown => Reflect.get(prototype, name, object),
        set: (assigned: unknown) => Reflect.set(prototype, name, assigned, object),
      });
    }
  }
}

/** The members that the classes of an object define, each with its prototype: a subclass's before its superclass's. */
function membersOf(object: object): Map<string, object> {
  const members = new Map<string, object>();
  let prototype = Object.getPrototypeOf(object) as object | null;
  while (prototype !== null && prototype !== Object.prototype) {
    for (const name of Object.getOwnPropertyNames(prototype)) {
      if (name !== 'constructor' && !members.has(name)) members.set(name, prototype);
    }
    prototype = Object.getPrototypeOf(prototype) as object | null;
  }
  return members;
}
