/**
 * Gives `object` an own property `key`.
 *
 * @returns restores exactly what was there: the former own property, or none.
 */
export function override<T extends object>(
  object: T,
  key: keyof T & string,
  property: PropertyDescriptor,
): () => void {
  const former = Object.getOwnPropertyDescriptor(object, key);
  Object.defineProperty(object, key, { configurable: true, enumerable: true, ...property });
  return () => {
    if (former === undefined) Reflect.deleteProperty(object, key);
    else Object.defineProperty(object, key, former);
  };
}
