import * as tf from '@tensorflow/tfjs';

/** How long the page computes before it yields. A click waits about that long, and for one step and one drawing. */
export const YIELD_EVERY_MS = 50;

let lastYieldMs = 0;

/** Await this between two steps of long work. The page then handles clicks and draws a frame. */
export async function yieldIfDue(): Promise<void> {
  if (performance.now() - lastYieldMs < YIELD_EVERY_MS) return;
  await tf.nextFrame();
  lastYieldMs = performance.now();
}
