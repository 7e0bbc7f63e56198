import { describe, expect, test } from '@jest/globals';
import seedrandom from 'seedrandom';
import { damagesOf, flippedBits } from '../../torture/damage/damages.js';

const BYTES = Buffer.from(`{"userDefinedMetadata":{"entropyCheckpoint":{}},"zeros":"${'\0'.repeat(500)}"}`);

describe('damages', () => {
  test('each makes something else of the file, and leaves the original', () => {
    const original = Buffer.from(BYTES);
    const damages = damagesOf(BYTES, 50, Buffer.from('another'), seedrandom('a'));
    expect(damages.length).toBeGreaterThan(100);
    for (const damage of damages) {
      const isSame = damage.apply(BYTES)?.equals(BYTES) ?? false;
      expect({ name: damage.name, isSame }).toEqual({ name: damage.name, isSame: false });
    }
    expect(BYTES.equals(original)).toBe(true);
  });

  test('there is one in each region, and at both ends', () => {
    const bytes = Buffer.alloc(1000);
    const changed = flippedBits(bytes, 200, seedrandom('a')).map((damage) => {
      return damage.apply(bytes)!.findIndex((byte) => byte !== 0);
    });
    expect(changed).toEqual(expect.arrayContaining([0, 999]));
    expect(new Set(changed.map((position) => Math.floor(position / 5))).size).toBe(200);
  });

  test('a file of fewer bytes than regions has one for each byte', () => {
    expect(flippedBits(Buffer.alloc(3), 200, seedrandom('a'))).toHaveLength(5);
  });

  test('are the same for the same seed', () => {
    const names = (seed: string) => damagesOf(BYTES, 20, null, seedrandom(seed)).map(({ name }) => name);
    expect(names('a')).toEqual(names('a'));
    expect(names('a')).not.toEqual(names('b'));
  });
});
