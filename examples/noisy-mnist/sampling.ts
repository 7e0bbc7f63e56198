/** Draws `count` different integers from 0…size − 1, in random order, by the first steps of a Fisher–Yates shuffle. */
export function drawWithoutReplacement(size: number, count: number, random: () => number): Uint32Array {
  if (count > size) throw new RangeError(`Expected \`count\` to be at most ${size}, got ${count}.`);
  const drawn = Uint32Array.from({ length: size }, (_, index) => index);
  for (let index = 0; index < count; index++) {
    const other = index + Math.floor(random() * (size - index));
    [drawn[index], drawn[other]] = [drawn[other] ?? 0, drawn[index] ?? 0];
  }
  return drawn.slice(0, count);
}
