/** What a backend computes on, seen from outside of tfjs. */
export interface Device {
  /** Name of the adapter, or what else tells one machine's backend from another's; may be empty. */
  readonly description: string;
  /** Whether the "GPU" is a program on the CPU. */
  readonly isSoftware: boolean;
  /** Rejects when the device is gone, and nothing can be computed any more. */
  readonly lost: Promise<never>;
  /** Waits for what has been enqueued. @throws Error with what the device has reported since the last time. */
  settle(): Promise<void>;
}

/** Names of rasterisers that run on the CPU. */
const SOFTWARE = /swiftshader|llvmpipe|lavapipe|softpipe|software|basic render/i;

export function isSoftwareName(name: string): boolean {
  return SOFTWARE.test(name);
}

/** For a device that nothing happens to. */
export const NEVER = new Promise<never>(() => undefined);
