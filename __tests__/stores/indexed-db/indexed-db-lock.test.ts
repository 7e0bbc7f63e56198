import { afterEach, describe, expect, it, jest } from '@jest/globals';
import { lockAcrossTabs } from '../../../src/stores/indexed-db/indexed-db-lock.js';

const NAME = 'tfjs-entropy-checkpoint location';

type Request = (
  name: string,
  options: { signal: AbortSignal },
  whenHeld: () => Promise<void>,
) => Promise<void>;

/** Mocks a browser that grants the lock at one request. Earlier requests run into their timeout. */
function mockLocks(atRequest: number, heldNames: string[]) {
  let requests = 0;
  const request = jest.fn<Request>(async (_name, { signal }, whenHeld) => {
    if (++requests >= atRequest) return whenHeld();
    return new Promise((_resolve, reject) => {
      signal.addEventListener('abort', () => {
        reject(signal.reason as Error);
      });
    });
  });
  const query = () => Promise.resolve({ held: heldNames.map((name) => ({ name })) });
  Object.defineProperty(globalThis, 'navigator', {
    value: { locks: { request, query } },
    configurable: true,
  });
  return request;
}

const original = Object.getOwnPropertyDescriptor(globalThis, 'navigator');

afterEach(() => {
  if (original === undefined) Reflect.deleteProperty(globalThis, 'navigator');
  else Object.defineProperty(globalThis, 'navigator', original);
});

describe('lockAcrossTabs', () => {
  it('keeps waiting while no tab holds the lock, as a busy browser grants it late', async () => {
    const request = mockLocks(3, ['another lock']);
    const release = await lockAcrossTabs('location');
    expect(request).toHaveBeenCalledTimes(3);
    expect(request.mock.calls[0]?.[0]).toBe(NAME);
    await release!();
  });

  it('gives up when another tab holds the lock', async () => {
    const request = mockLocks(2, [NAME]);
    expect(await lockAcrossTabs('location')).toBeNull();
    expect(request).toHaveBeenCalledTimes(1);
  });
});
