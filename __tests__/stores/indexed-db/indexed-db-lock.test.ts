import { afterEach, describe, expect, jest, test } from '@jest/globals';
import { lockAcrossTabs } from '../../../src/stores/indexed-db/indexed-db-lock.js';

const NAME = 'tfjs-entropy-checkpoint place';

type Request = (
  name: string,
  options: { signal: AbortSignal },
  whenHeld: () => Promise<void>,
) => Promise<void>;

/** A browser that grants the lock at a certain request and until then lets each run into its time limit. */
function browserThatGrants(atRequest: number, heldNames: string[]) {
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

describe('the lock among tabs', () => {
  test('is waited for while nobody has it, however long a busy browser takes to grant it', async () => {
    const request = browserThatGrants(3, ['another lock']);
    const release = await lockAcrossTabs('place');
    expect(request).toHaveBeenCalledTimes(3);
    expect(request.mock.calls[0]?.[0]).toBe(NAME);
    await release!();
  });

  test('is refused once it is known that another has it', async () => {
    const request = browserThatGrants(2, [NAME]);
    expect(await lockAcrossTabs('place')).toBeNull();
    expect(request).toHaveBeenCalledTimes(1);
  });
});
