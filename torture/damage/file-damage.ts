/** One way to damage a file. */
export interface FileDamage {
  /** Shown in messages, for example `bytes 10 to 19 zeroed`. */
  readonly name: string;
  /** @returns the damaged content; null: the file is removed. */
  apply(bytes: Buffer): Buffer | null;
  /** Occurs once for each file. A training always continues after it. */
  readonly isSpecial?: true;
}

interface Range {
  readonly start: number;
  readonly end: number;
}

/** Keys of this package's part of a manifest. Without them, the file counts as somebody else's model. */
const KEYS = ['"entropyCheckpoint"', '"userDefinedMetadata"'];

/**
 * All the ways to damage a file, region by region.
 *
 * @param regions the number of regions, all of about the same size.
 * @param other another file's content, to replace it with; null: none.
 */
export function fileDamages(
  bytes: Buffer,
  regions: number,
  other: Buffer | null,
  random: () => number,
): FileDamage[] {
  const ranges = rangesOf(bytes.length, regions);
  return [
    ...flippedBits(bytes, regions, random),
    // To zero zeros is no damage.
    ...ranges.filter(({ start, end }) => bytes.subarray(start, end).some(Boolean)).map(zeroed),
    ...[...ranges.map(({ start }) => start), bytes.length - 1].map(cutShort),
    { name: 'a byte appended', apply: (content) => Buffer.concat([content, Buffer.from('\n')]) },
    { name: 'removed', isSpecial: true, apply: () => null },
    ...KEYS.map((key) => bytes.indexOf(key))
      .filter((position) => position >= 0)
      .map((position): FileDamage => ({ ...flippedBit(position + 1, 0), isSpecial: true })),
    ...(other === null ? [] : [replacedBy(other)]),
  ];
}

/** Flips one bit in each region, and one each in the first and in the last byte. */
export function flippedBits({ length }: Buffer, regions: number, random: () => number): FileDamage[] {
  const inRegions = rangesOf(length, regions).map(
    ({ start, end }) => start + Math.floor(random() * (end - start)),
  );
  return [0, ...inRegions, length - 1].map((position) => flippedBit(position, Math.floor(random() * 8)));
}

function rangesOf(length: number, regions: number): Range[] {
  const starts = [...new Set(Array.from({ length: regions }, (_, i) => Math.floor((i * length) / regions)))];
  return starts.map((start, i) => ({ start, end: starts[i + 1] ?? length }));
}

function flippedBit(position: number, bit: number): FileDamage {
  return {
    name: `bit ${bit} of byte ${position} flipped`,
    apply: (content) => {
      const damaged = Buffer.from(content);
      damaged.writeUInt8(content.readUInt8(position) ^ (1 << bit), position);
      return damaged;
    },
  };
}

function zeroed({ start, end }: Range): FileDamage {
  return {
    name: `bytes ${start} to ${end - 1} zeroed`,
    apply: (content) => Buffer.from(content).fill(0, start, end),
  };
}

function cutShort(length: number): FileDamage {
  return { name: `cut to ${length} bytes`, apply: (content) => content.subarray(0, length) };
}

function replacedBy(other: Buffer): FileDamage {
  return { name: 'replaced by another weight file', isSpecial: true, apply: () => other };
}
