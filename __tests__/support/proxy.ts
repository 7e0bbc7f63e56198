/** As Vue's `reactive` and MobX pass an object: every access goes through, with the proxy as `this`. */
export function seenThroughProxy<T extends object>(object: T): T {
  return new Proxy(object, { get: (target, key, receiver) => Reflect.get(target, key, receiver) as unknown });
}

/** As Vue's `reactive` passes an object: everything that is reached through it is a proxy too. */
export function seenThroughDeepProxy<T extends object>(object: T): T {
  const proxies = new WeakMap<object, object>();
  const wrap = (value: unknown): unknown => {
    const isDeep = Array.isArray(value) || Object.prototype.toString.call(value) === '[object Object]';
    if (!isDeep || Reflect.get(value as object, '__v_skip') === true) return value;
    const target = value as object;
    const proxy = proxies.get(target) ?? new Proxy(target, { get: (...args) => wrap(Reflect.get(...args)) });
    proxies.set(target, proxy);
    return proxy;
  };
  return wrap(object) as T;
}
