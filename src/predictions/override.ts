/**
 * Overrides `key` with an own property of `object`.
 *
 * @returns a function that restores the previous own property, or removes the new one if there was none.
 */
export function override<T extends object>(
  object: T,
  key: keyof T & string,
  property: PropertyDescriptor,
): () => void {
  const original = Object.getOwnPropertyDescriptor(object, key);
  Object.defineProperty(object, key, { configurable: true, enumerable: true, ...property });
  return () => {
    if (original === undefined) Reflect.deleteProperty(object, key);
    else Object.defineProperty(object, key, original);
  };
}
