import type { BackendFlags, BackendName } from '../backend-target.js';

/** A request to the process or page. Arguments and results are JSON texts in both. */
export type Request = StartRequest | CallRequest;

export interface StartRequest {
  readonly kind: 'start';
  readonly backend: BackendName;
  readonly flags: BackendFlags;
  /** Whether a software rasteriser is refused. */
  readonly requireGpu: boolean;
  /** The URL of the entry module, for Node. A page has the module in its bundle. */
  readonly entry: string;
}

export interface CallRequest {
  readonly kind: 'call';
  readonly name: string;
  /** The array of arguments as JSON. */
  readonly args: string;
}

/** A result of `undefined` has null as its `json`. */
export type Answer = { readonly json: string | null } | { readonly failure: Failure };

/** The parts of an error that are sent. */
export interface Failure {
  readonly name: string;
  readonly message: string;
  /** The stack without the message. */
  readonly frames: string;
  /** Set for errors that have a code, such as those of this package. */
  readonly code?: string;
}

export function failureOf(error: unknown): Failure {
  if (!(error instanceof Error)) return { name: 'Error', message: String(error), frames: '' };
  const { name, message, stack = '' } = error;
  // The message may contain a stack, and may have been extended since the stack was made.
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
