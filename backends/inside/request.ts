import type { BackendFlags, BackendName } from '../backend-choice.js';

/** What is asked of the process or page. Arguments and results travel as JSON text, the same in both. */
export type Request = StartRequest | CallRequest;

export interface StartRequest {
  readonly kind: 'start';
  readonly backend: BackendName;
  readonly flags: BackendFlags;
  /** Refuse an adapter that is a software rasteriser. */
  readonly requireGpu: boolean;
  /** The entry module, for Node: a page has it in its bundle. */
  readonly entry: string;
}

export interface CallRequest {
  readonly kind: 'call';
  readonly name: string;
  /** JSON of the array of arguments. */
  readonly args: string;
}

/** `json` is null for `undefined`. */
export type Answer = { readonly json: string | null } | { readonly failure: Failure };

/** An error, as far as it can travel. */
export interface Failure {
  readonly name: string;
  readonly message: string;
  /** The stack without the message. */
  readonly frames: string;
  /** Of errors that have one, such as those of this package. */
  readonly code?: string;
}

export function failureOf(error: unknown): Failure {
  if (!(error instanceof Error)) return { name: 'Error', message: String(error), frames: '' };
  const { name, message, stack = '' } = error;
  // The message may hold a stack itself, and may have been added to since.
  const start = stack.indexOf(message);
  const frames = start >= 0 ? stack.slice(start + message.length) : (/\n {4}at [^]*/.exec(stack)?.[0] ?? '');
  const code = 'code' in error && typeof error.code === 'string' ? { code: error.code } : {};
  return { name, message, frames, ...code };
}

export function errorOf({ name, message, frames, code }: Failure): Error {
  const error = new Error(message);
  error.name = name;
  error.stack = `${name}: ${message}${frames}`;
  return code === undefined ? error : Object.assign(error, { code });
}
