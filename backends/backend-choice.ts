/** Where tfjs runs: a Node process of its own, or a page of a headless Chromium. */
export type Place = 'node' | 'chromium';

/** As tfjs names them; `'tensorflow'` is that of tfjs-node. */
export type BackendName = 'cpu' | 'wasm' | 'webgl' | 'webgpu' | 'tensorflow';

export type BackendFlags = Readonly<Record<string, number | boolean>>;

export interface BackendChoice {
  readonly place: Place;
  /** `'webgl'` only in Chromium, `'tensorflow'` only in Node. */
  readonly backend: BackendName;
  /** `tf.env()` flags that are set before the backend is made, e.g. `{WEBGL_FORCE_F16_TEXTURES: true}`. */
  readonly flags?: BackendFlags;
}

const BACKENDS: Readonly<Record<Place, readonly BackendName[]>> = {
  node: ['cpu', 'wasm', 'webgpu', 'tensorflow'],
  chromium: ['cpu', 'wasm', 'webgl', 'webgpu'],
};

const PLACE_NAMES: Readonly<Record<Place, string>> = { node: 'Node', chromium: 'Chromium' };

/** For people, e.g. 'webgpu in Node'. */
export function choiceName({ place, backend }: BackendChoice): string {
  return `${backend} in ${PLACE_NAMES[place]}`;
}

/** Names may come from a command line, where no compiler has seen them. */
export function requireKnownChoice({ place, backend }: BackendChoice): void {
  if (!Object.hasOwn(BACKENDS, place)) {
    throw new Error(`Expected \`place\` to be 'node' or 'chromium', got '${place}'.`);
  }
  if (!BACKENDS[place].includes(backend)) {
    const known = BACKENDS[place].map((name) => `'${name}'`).join(', ');
    throw new Error(`Expected a backend that runs in ${PLACE_NAMES[place]} (${known}), got '${backend}'.`);
  }
}
