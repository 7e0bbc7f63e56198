/** One buffer of all pieces, in order. */
export function joinBytes(pieces: readonly Uint8Array[]): ArrayBuffer {
  const joined = new Uint8Array(pieces.reduce((total, { byteLength }) => total + byteLength, 0));
  let offset = 0;
  for (const piece of pieces) {
    joined.set(piece, offset);
    offset += piece.byteLength;
  }
  return joined.buffer;
}
