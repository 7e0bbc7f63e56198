import { describe, expect, it } from '@jest/globals';
import seedrandom from 'seedrandom';
import { fileDamages, flippedBits } from '../../torture/damage/file-damage.js';

const BYTES = Buffer.from(`{"userDefinedMetadata":{"entropyCheckpoint":{}},"zeros":"${'\0'.repeat(500)}"}`);

describe('fileDamages', () => {
  it('changes the content with every damage, and leaves the original buffer as it was', () => {
    const original = Buffer.from(BYTES);
    const damages = fileDamages(BYTES, 50, Buffer.from('another'), seedrandom('a'));
    expect(damages.length).toBeGreaterThan(100);
    for (const damage of damages) {
      const isSame = damage.apply(BYTES)?.equals(BYTES) ?? false;
      expect({ name: damage.name, isSame }).toEqual({ name: damage.name, isSame: false });
    }
    expect(BYTES.equals(original)).toBe(true);
  });

  it('is the same for the same seed', () => {
    const names = (seed: string) => fileDamages(BYTES, 20, null, seedrandom(seed)).map(({ name }) => name);
    expect(names('a')).toEqual(names('a'));
    expect(names('a')).not.toEqual(names('b'));
  });
});

describe('flippedBits', () => {
  it('flips a bit in every region, and at both ends', () => {
    const bytes = Buffer.alloc(1000);
    const changed = flippedBits(bytes, 200, seedrandom('a')).map((damage) => {
      return damage.apply(bytes)!.findIndex((byte) => byte !== 0);
    });
    expect(changed).toEqual(expect.arrayContaining([0, 999]));
    expect(new Set(changed.map((position) => Math.floor(position / 5))).size).toBe(200);
  });

  it('flips one bit in every byte of a file with fewer bytes than regions', () => {
    expect(flippedBits(Buffer.alloc(3), 200, seedrandom('a'))).toHaveLength(5);
  });
});
