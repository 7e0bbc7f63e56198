/** Where tfjs runs: a new Node process, or a page of a new headless Chromium. */
export type Runtime = 'node' | 'chromium';

/** The names of tfjs. `'tensorflow'` is the backend of tfjs-node. */
export type BackendName = 'cpu' | 'wasm' | 'webgl' | 'webgpu' | 'tensorflow';

export type BackendFlags = Readonly<Record<string, number | boolean>>;

export interface BackendTarget {
  readonly runtime: Runtime;
  /** `'webgl'` runs only in Chromium, `'tensorflow'` only in Node. */
  readonly backend: BackendName;
  /** Flags for `tf.env()`, e.g. `{WEBGL_FORCE_F16_TEXTURES: true}`. They are set before the backend is created. */
  readonly flags?: BackendFlags;
}

const BACKENDS: Readonly<Record<Runtime, readonly BackendName[]>> = {
  node: ['cpu', 'wasm', 'webgpu', 'tensorflow'],
  chromium: ['cpu', 'wasm', 'webgl', 'webgpu'],
};

const RUNTIME_NAMES: Readonly<Record<Runtime, string>> = { node: 'Node', chromium: 'Chromium' };

/** For example 'webgpu in Node'. */
export function targetName({ runtime, backend }: BackendTarget): string {
  return `${backend} in ${RUNTIME_NAMES[runtime]}`;
}

/** Names may come from a command line, where no compiler has checked them. */
export function requireKnownTarget({ runtime, backend }: BackendTarget): void {
  if (!Object.hasOwn(BACKENDS, runtime)) {
    throw new Error(`Expected \`runtime\` to be 'node' or 'chromium', got '${runtime}'.`);
  }
  if (!BACKENDS[runtime].includes(backend)) {
    const known = BACKENDS[runtime].map((name) => `'${name}'`).join(', ');
    throw new Error(
      `Expected a backend that runs in ${RUNTIME_NAMES[runtime]} (${known}), got '${backend}'.`,
    );
  }
}
