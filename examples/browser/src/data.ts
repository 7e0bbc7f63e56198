import seedrandom from 'seedrandom';
import { NUM_CLASSES, NUM_PIXELS, pickImages, type ImagePool } from '../../noisy-mnist/image-pool.js';
import { withLabelNoise } from '../../noisy-mnist/label-noise.js';
import { drawWithoutReplacement } from '../../noisy-mnist/sampling.js';
import { ASSET_NAME, NUM_TEST_IMAGES, NUM_TRAIN_IMAGES } from './mnist-asset-format.js';
import { PRESETS, type Settings } from './settings.js';

/** How many digits with clean labels test a network. */
const TEST_DIGITS = 500;

export interface Digits {
  readonly train: ImagePool;
  /** The labels that the network learns for `train`. Some are wrong. */
  readonly noisyLabels: Uint8Array;
  /** All labels are right. */
  readonly test: ImagePool;
}

/** Draws the digits of a training. Equal settings draw the same digits in the same order. */
export async function loadDigits({ preset, noise, seed }: Settings): Promise<Digits> {
  const pools = await (downloaded ??= download());
  const train = draw(pools.train, PRESETS[preset].trainImages, `train ${seed}`);
  const options = { type: 'symmetric', rate: noise, numClasses: NUM_CLASSES, seed } as const;
  return {
    train,
    noisyLabels: withLabelNoise(train.labels, options),
    test: draw(pools.test, TEST_DIGITS, `test ${seed}`),
  };
}

interface Pools {
  readonly train: ImagePool;
  readonly test: ImagePool;
}

let downloaded: Promise<Pools> | undefined;

/** Begins the download, so that a training that starts later need not wait. A failure shows when it starts. */
export function prefetchDigits(): void {
  downloaded ??= download();
  downloaded.catch(() => undefined);
}

async function download(): Promise<Pools> {
  try {
    const { body, ok, status } = await fetch(`${import.meta.env.BASE_URL}${ASSET_NAME}`);
    if (!ok || body === null)
      throw new Error(`The digits could not be loaded: the server answered ${status}.`);
    const unpacked = await new Response(body.pipeThrough(new DecompressionStream('gzip'))).arrayBuffer();
    return unpack(new Uint8Array(unpacked));
  } catch (error) {
    downloaded = undefined;
    throw error;
  }
}

function unpack(bytes: Uint8Array): Pools {
  let position = 0;
  const take = (length: number): Uint8Array => bytes.subarray(position, (position += length));
  const takePool = (count: number): ImagePool => ({ pixels: take(count * NUM_PIXELS), labels: take(count) });
  return { train: takePool(NUM_TRAIN_IMAGES), test: takePool(NUM_TEST_IMAGES) };
}

function draw(pool: ImagePool, count: number, seed: string): ImagePool {
  return pickImages(pool, drawWithoutReplacement(pool.labels.length, count, seedrandom(seed)));
}
