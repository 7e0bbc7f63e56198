/** As Vue's `reactive` and MobX pass an object: every access goes through, with the proxy as `this`. */
export function seenThroughProxy<T extends object>(object: T): T {
  return new Proxy(object, { get: (target, key, receiver) => Reflect.get(target, key, receiver) as unknown });
}
