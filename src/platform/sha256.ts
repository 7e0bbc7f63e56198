import { hexOf } from './bytes.js';
import { Pacer } from './event-loop.js';

/** Hashing one piece takes about a millisecond. */
const PIECE_BYTES = 2 ** 16;
const BLOCK_BYTES = 64;

/** The first 32 bits of the fractional parts of the cube roots of the first 64 primes (FIPS 180-4, 4.2.2). */
const ROUND_CONSTANTS = fractionsOfRoots(64, 3);
/** The first 32 bits of the fractional parts of the square roots of the first 8 primes (FIPS 180-4, 5.3.3). */
const INITIAL_STATE = fractionsOfRoots(8, 2);

/**
 * Computes the SHA-256 checksum of `bytes`: in another thread where the platform can, else in pieces between which
 * other tasks run.
 *
 * @param bytes must not change until the checksum is computed.
 * @returns 64 lower-case hex digits.
 */
export async function sha256(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  // Browsers offer it in secure contexts only.
  const subtle = (globalThis.crypto as Crypto | undefined)?.subtle;
  if (subtle === undefined) return sha256InPieces(bytes);
  return hexOf(new Uint8Array(await subtle.digest('SHA-256', bytes)));
}

/** Computes the SHA-256 checksum of `bytes` in JavaScript, in pieces between which other tasks run. */
export async function sha256InPieces(bytes: Uint8Array): Promise<string> {
  const hash = createSha256();
  const pacer = new Pacer();
  for (let start = 0; start < bytes.length; start += PIECE_BYTES) {
    await pacer.yieldIfDue();
    hash.update(bytes.subarray(start, start + PIECE_BYTES));
  }
  return hash.hex();
}

interface Sha256 {
  update(bytes: Uint8Array): void;
  /** Finishes the hash. Call it once, and `update` no more. @returns 64 lower-case hex digits. */
  hex(): string;
}

/** An incremental SHA-256 hash, by FIPS 180-4. */
export function createSha256(): Sha256 {
  const state = Int32Array.from(INITIAL_STATE);
  const block = new Uint8Array(BLOCK_BYTES);
  let filled = 0;
  let length = 0;

  const update = (bytes: Uint8Array): void => {
    length += bytes.length;
    let offset = 0;
    while (offset < bytes.length) {
      const taken = Math.min(BLOCK_BYTES - filled, bytes.length - offset);
      block.set(bytes.subarray(offset, offset + taken), filled);
      filled += taken;
      offset += taken;
      if (filled < BLOCK_BYTES) return;
      compress(state, block);
      filled = 0;
    }
  };

  const hex = (): string => {
    const bits = new DataView(new ArrayBuffer(8));
    bits.setBigUint64(0, BigInt(length) * 8n);
    const zeros = (BLOCK_BYTES * 2 - 9 - filled) % BLOCK_BYTES;
    update(Uint8Array.of(0x80, ...new Uint8Array(zeros)));
    update(new Uint8Array(bits.buffer));
    return Array.from(state, (word) => (word >>> 0).toString(16).padStart(8, '0')).join('');
  };

  return { update, hex };
}

const schedule = new Int32Array(64);

function compress(state: Int32Array, block: Uint8Array): void {
  expand(block);
  let [a = 0, b = 0, c = 0, d = 0, e = 0, f = 0, g = 0, h = 0] = state;
  for (let i = 0; i < 64; i++) {
    const s1 = rotate(e, 6) ^ rotate(e, 11) ^ rotate(e, 25);
    const choice = (e & f) ^ (~e & g);
    const t1 = (h + s1 + choice + ROUND_CONSTANTS[i]! + schedule[i]!) | 0;
    const s0 = rotate(a, 2) ^ rotate(a, 13) ^ rotate(a, 22);
    const majority = (a & b) ^ (a & c) ^ (b & c);
    h = g;
    g = f;
    f = e;
    e = (d + t1) | 0;
    d = c;
    c = b;
    b = a;
    a = (t1 + s0 + majority) | 0;
  }
  for (const [i, word] of [a, b, c, d, e, f, g, h].entries()) state[i] = state[i]! + word;
}

function expand(block: Uint8Array): void {
  const words = new DataView(block.buffer);
  for (let i = 0; i < 16; i++) schedule[i] = words.getInt32(i * 4);
  for (let i = 16; i < 64; i++) {
    const w15 = schedule[i - 15]!;
    const w2 = schedule[i - 2]!;
    const s0 = rotate(w15, 7) ^ rotate(w15, 18) ^ (w15 >>> 3);
    const s1 = rotate(w2, 17) ^ rotate(w2, 19) ^ (w2 >>> 10);
    schedule[i] = schedule[i - 16]! + s0 + schedule[i - 7]! + s1;
  }
}

function rotate(word: number, bits: number): number {
  return (word >>> bits) | (word << (32 - bits));
}

/** The first 32 bits of the fraction of the `degree`th root of each of the first `count` primes, exactly. */
function fractionsOfRoots(count: number, degree: number): number[] {
  const fractions: number[] = [];
  for (let n = 2; fractions.length < count; n++) {
    if (isPrime(n))
      fractions.push(Number(integerRoot(BigInt(n) << BigInt(32 * degree), degree) & 0xffffffffn));
  }
  return fractions;
}

function isPrime(n: number): boolean {
  for (let i = 2; i * i <= n; i++) if (n % i === 0) return false;
  return true;
}

/** ⌊ⁿ√value⌋, bit by bit. */
function integerRoot(value: bigint, degree: number): bigint {
  let root = 0n;
  for (let bit = 1n << 40n; bit > 0n; bit >>= 1n) {
    if ((root + bit) ** BigInt(degree) <= value) root += bit;
  }
  return root;
}
