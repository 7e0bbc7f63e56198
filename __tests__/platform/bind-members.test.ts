import { describe, expect, it } from '@jest/globals';
import { bindMembers } from '../../src/platform/bind-members.js';
import { seenThroughProxy } from '../support/proxy.js';

class Counter {
  #count = 0;

  constructor() {
    bindMembers(this);
  }

  get count(): number {
    return this.#count;
  }

  set count(count: number) {
    this.#count = count;
  }

  add(step = 1): number {
    this.#count += step;
    return this.#count;
  }
}

class Doubling extends Counter {
  override add(step = 1): number {
    return super.add(2 * step);
  }
}

describe('an object with bound members', () => {
  it('works through a proxy, with methods and accessors', () => {
    const counter = seenThroughProxy(new Counter());
    expect(counter.add()).toBe(1);
    counter.count = 5;
    expect(counter.add(2)).toBe(7);
    expect(counter.count).toBe(7);
  });

  it('works if a method is passed on without it', () => {
    // eslint-disable-next-line @typescript-eslint/unbound-method -- that's what is tested.
    const { add } = new Counter();
    expect([1, 2].map((step) => add(step))).toEqual([1, 3]);
  });

  it('runs the methods of its subclass, which can call those of the superclass', () => {
    // eslint-disable-next-line @typescript-eslint/unbound-method -- that's what is tested.
    const { add } = seenThroughProxy(new Doubling());
    expect(add(3)).toBe(6);
  });

  it('shares nothing with other objects, and shows no new properties', () => {
    const [one, other] = [new Counter(), new Counter()];
    one.add();
    expect([one.count, other.count]).toEqual([1, 0]);
    expect(Object.keys(one)).toEqual([]);
    expect(one).toBeInstanceOf(Counter);
  });

  it('has the mark by which Vue makes no proxy of it', () => {
    expect(Reflect.get(new Counter(), '__v_skip')).toBe(true);
  });

  it('lets a method be replaced', () => {
    const counter = new Counter();
    counter.add = () => -1;
    expect(counter.add()).toBe(-1);
  });
});
