import { hexOf } from './bytes.js';

const ID_BYTES = 8;

/** An id that differs from others: 16 lower-case hex digits. It isn't secret. */
export function randomId(): string {
  const bytes = new Uint8Array(ID_BYTES);
  const { crypto } = globalThis as { crypto?: Crypto };
  // Some test environments have no `crypto`.
  if (crypto !== undefined) crypto.getRandomValues(bytes);
  else for (let i = 0; i < ID_BYTES; i++) bytes[i] = Math.floor(Math.random() * 256);
  return hexOf(bytes);
}
