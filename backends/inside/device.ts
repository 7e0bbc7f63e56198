/** The device that a backend computes on, seen from outside tfjs. */
export interface Device {
  /** The adapter's name, or what else distinguishes the backend on one machine from another. May be empty. */
  readonly description: string;
  /** Whether the "GPU" is a program on the CPU. */
  readonly isSoftware: boolean;
  /** Rejects when the device is lost and can compute nothing more. */
  readonly lost: Promise<never>;
  /** Waits for all enqueued work. @throws Error with what the device has reported since the last call. */
  settle(): Promise<void>;
}

/** The names of rasterisers that run on the CPU. */
const SOFTWARE = /swiftshader|llvmpipe|lavapipe|softpipe|software|basic render/i;

export function isSoftwareName(name: string): boolean {
  return SOFTWARE.test(name);
}

/** The `lost` of a device that cannot be lost. */
export const NEVER = new Promise<never>(() => undefined);
