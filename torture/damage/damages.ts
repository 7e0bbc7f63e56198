/** Something that happens to a file. */
export interface Damage {
  /** For messages: `bytes 10 to 19 zeroed`. */
  readonly name: string;
  /** @returns what becomes of the file; null: it is gone. */
  apply(bytes: Buffer): Buffer | null;
  /** Of a sort of its own: a training always goes on from it. */
  readonly isSpecial?: true;
}

interface Range {
  readonly start: number;
  readonly end: number;
}

/** Where the name of this package's own part of a `model.json` begins: a file without it is somebody else's. */
const KEYS = ['"entropyCheckpoint"', '"userDefinedMetadata"'];

/**
 * What may happen to a file, region by region.
 *
 * @param regions into how many of about equal size it is divided.
 * @param other another file's content, to be found in its place.
 */
export function damagesOf(
  bytes: Buffer,
  regions: number,
  other: Buffer | null,
  random: () => number,
): Damage[] {
  const ranges = rangesOf(bytes.length, regions);
  return [
    ...flippedBits(bytes, regions, random),
    // Zeros in the place of zeros are no damage.
    ...ranges.filter(({ start, end }) => bytes.subarray(start, end).some(Boolean)).map(zeroed),
    ...[...ranges.map(({ start }) => start), bytes.length - 1].map(cutShort),
    { name: 'a byte appended', apply: (content) => Buffer.concat([content, Buffer.from('\n')]) },
    { name: 'removed', isSpecial: true, apply: () => null },
    ...KEYS.map((key) => bytes.indexOf(key))
      .filter((position) => position >= 0)
      .map((position): Damage => ({ ...flippedBit(position + 1, 0), isSpecial: true })),
    ...(other === null ? [] : [exchanged(other)]),
  ];
}

/** A bit of the first and of the last byte, and one in each region. */
export function flippedBits({ length }: Buffer, regions: number, random: () => number): Damage[] {
  const inRegions = rangesOf(length, regions).map(
    ({ start, end }) => start + Math.floor(random() * (end - start)),
  );
  return [0, ...inRegions, length - 1].map((position) => flippedBit(position, Math.floor(random() * 8)));
}

function rangesOf(length: number, regions: number): Range[] {
  const starts = [...new Set(Array.from({ length: regions }, (_, i) => Math.floor((i * length) / regions)))];
  return starts.map((start, i) => ({ start, end: starts[i + 1] ?? length }));
}

function flippedBit(position: number, bit: number): Damage {
  return {
    name: `bit ${bit} of byte ${position} flipped`,
    apply: (content) => {
      const damaged = Buffer.from(content);
      damaged.writeUInt8(content.readUInt8(position) ^ (1 << bit), position);
      return damaged;
    },
  };
}

function zeroed({ start, end }: Range): Damage {
  return {
    name: `bytes ${start} to ${end - 1} zeroed`,
    apply: (content) => Buffer.from(content).fill(0, start, end),
  };
}

function cutShort(length: number): Damage {
  return { name: `cut to ${length} bytes`, apply: (content) => content.subarray(0, length) };
}

function exchanged(other: Buffer): Damage {
  return { name: 'another file of weights in its place', isSpecial: true, apply: () => other };
}
