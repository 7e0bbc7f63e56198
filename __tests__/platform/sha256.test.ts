import { describe, expect, it, jest } from '@jest/globals';
import { createHash } from 'node:crypto';
import { createSha256, sha256, sha256InPieces } from '../../src/platform/sha256.js';

const expected = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

/** A seeded source of integers from 0 up to `bound`, exclusive. */
function makeRandom(seed: number): (bound: number) => number {
  let state = seed;
  return (bound) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * bound);
  };
}

function makeBytes(length: number, seed = 1): Uint8Array {
  const random = makeRandom(seed + length);
  return Uint8Array.from({ length }, () => random(256));
}

function hashInPieces(bytes: Uint8Array, nextSize: () => number): string {
  const hash = createSha256();
  for (let offset = 0; offset < bytes.length;) {
    const size = nextSize();
    hash.update(bytes.subarray(offset, offset + size));
    offset += size;
  }
  return hash.hex();
}

describe('createSha256', () => {
  it('gives the hashes of FIPS 180-4 for the empty message and for "abc"', () => {
    expect(createSha256().hex()).toBe('e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855');
    const hash = createSha256();
    hash.update(new TextEncoder().encode('abc'));
    expect(hash.hex()).toBe('ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad');
  });

  it("agrees with Node's crypto for every length from 0 to 200, in one piece", () => {
    for (let length = 0; length <= 200; length++) {
      const bytes = makeBytes(length);
      expect([length, hashInPieces(bytes, () => length)]).toEqual([length, expected(bytes)]);
    }
  });

  it("agrees with Node's crypto for every length from 0 to 200, in pieces", () => {
    const random = makeRandom(3);
    for (let length = 0; length <= 200; length++) {
      const bytes = makeBytes(length);
      for (let round = 0; round < 4; round++) {
        const hash = hashInPieces(bytes, () => random(80));
        expect([length, hash]).toEqual([length, expected(bytes)]);
      }
    }
  });

  it.each([4095, 4096, 4097, 65_536, 1_000_003])(
    'hashes %i bytes equally in one piece and in pieces',
    (length) => {
      const bytes = makeBytes(length);
      const random = makeRandom(length);
      expect(hashInPieces(bytes, () => length)).toBe(expected(bytes));
      expect(hashInPieces(bytes, () => 1 + random(10_000))).toBe(expected(bytes));
    },
  );

  it('keeps two interleaved hashes independent', () => {
    const [a, b] = [makeBytes(150, 1), makeBytes(150, 2)];
    const [hashA, hashB] = [createSha256(), createSha256()];
    for (let offset = 0; offset < 150; offset += 10) {
      hashA.update(a.subarray(offset, offset + 10));
      hashB.update(b.subarray(offset, offset + 10));
    }
    expect([hashA.hex(), hashB.hex()]).toEqual([expected(a), expected(b)]);
  });

  it('hashes only the bytes that a view shows', () => {
    const hash = createSha256();
    hash.update(makeBytes(300).subarray(7, 207));
    expect(hash.hex()).toBe(expected(makeBytes(300).subarray(7, 207)));
  });
});

describe('sha256', () => {
  it.each([0, 1, 1000, 262_144, 262_145, 700_001])(
    'hashes %i bytes equally in another thread and in pieces',
    async (length) => {
      const bytes = Uint8Array.from(makeBytes(length));
      await expect(sha256(bytes)).resolves.toBe(expected(bytes));
      await expect(sha256InPieces(bytes)).resolves.toBe(expected(bytes));
    },
  );

  it('lets other tasks run between the pieces', async () => {
    let turns = 0;
    let isRunning = true as boolean;
    const turn = (): void => {
      turns++;
      if (isRunning) setImmediate(turn);
    };
    // Whenever it looks at the clock, the time of a piece is used up.
    let now = 0;
    jest.spyOn(performance, 'now').mockImplementation(() => (now += 1000));
    setImmediate(turn);
    await sha256InPieces(makeBytes(2 ** 20));
    isRunning = false;
    jest.restoreAllMocks();
    expect(turns).toBeGreaterThanOrEqual(2);
  });

  it('hashes in JavaScript without `crypto.subtle`, as in an insecure page', async () => {
    const bytes = Uint8Array.from(makeBytes(1000));
    const { crypto } = globalThis;
    Object.defineProperty(globalThis, 'crypto', { value: undefined, configurable: true, writable: true });
    try {
      await expect(sha256(bytes)).resolves.toBe(expected(bytes));
    } finally {
      Object.defineProperty(globalThis, 'crypto', { value: crypto, configurable: true, writable: true });
    }
  });
});
