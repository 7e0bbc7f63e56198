import { open, readdir, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import * as tf from '@tensorflow/tfjs';
import { EntropyCheckpoint, loadCheckpoint } from 'tfjs-entropy-checkpoint';
import type { PackageMethod, ReadMethod, WriteMethod } from '../../saving/names.js';
import { collectGarbage } from '../collect-garbage.js';
import { denseStack, fillDistinctly, sizeBytesOf } from './distinct-weights.js';
import { peakResidentSet, type ResidentSet } from './resident-set.js';

export interface LargeSize {
  readonly weights: number;
  readonly sizeBytes: number;
  readonly largestBytes: number;
}

const READ_BYTES = 2 ** 23;

let model: tf.Sequential | null = null;

/** Creates the model to save and to load into: `weights` weights of shape `[units, units]`. */
export function prepareLarge(weights: number, units: number): LargeSize {
  model = denseStack(weights, units);
  model.compile({ optimizer: tf.train.sgd(0.01), loss: 'meanSquaredError' });
  fillDistinctly(model);
  return { weights, sizeBytes: sizeBytesOf(model), largestBytes: sizeBytesOf(model) / weights };
}

const ACTIONS: Record<WriteMethod | ReadMethod, (path: string) => Promise<void>> = {
  save: saveModel,
  write: writePlainFile,
  'load-new': loadNewModel,
  'load-given': loadIntoModel,
  read: readShards,
  skim: skimShards,
};

/** The time in ms. @param path a folder to write or to read, or a file for `'write'`. */
export async function timeLarge(method: WriteMethod | ReadMethod, path: string): Promise<number> {
  collectGarbage();
  const startMs = performance.now();
  await ACTIONS[method](path);
  return performance.now() - startMs;
}

/** The resident set before and at its peak. Call it once in a process. */
export async function residentOfLarge(method: PackageMethod, folder: string): Promise<ResidentSet | null> {
  collectGarbage();
  return peakResidentSet(() => ACTIONS[method](folder));
}

async function saveModel(folder: string): Promise<void> {
  const checkpoint = new EntropyCheckpoint(requireModel(), undefined, {
    filepath: folder,
    monitor: 'val_acc',
    mode: 'max',
  });
  await checkpoint.saveCheckpoint(0, { val_acc: 1 });
  await checkpoint.flush();
  checkpoint.dispose();
}

/** Writes all weights into one file, and waits for the disk. */
async function writePlainFile(path: string): Promise<void> {
  const file = await open(path, 'w');
  for (const weight of requireModel().weights) {
    // On cpu this is the array itself, not a copy.
    const values = await weight.read().data();
    for (let start = 0; start < values.byteLength;) {
      const { bytesWritten } = await file.write(new Uint8Array(values.buffer, start));
      start += bytesWritten;
    }
  }
  await file.sync();
  await file.close();
}

async function loadNewModel(folder: string): Promise<void> {
  const loaded = await loadCheckpoint(folder);
  loaded.model.dispose();
}

async function loadIntoModel(folder: string): Promise<void> {
  await loadCheckpoint(folder, { model: requireModel() });
}

/** Reads the weight files of a checkpoint into memory, one after another. */
async function readShards(folder: string): Promise<void> {
  const kept: Uint8Array[] = [];
  await eachShard(folder, async (file) => {
    const bytes = Buffer.allocUnsafeSlow((await file.stat()).size);
    kept.push(bytes);
    for (let filled = 0; filled < bytes.length;) filled += (await file.read(bytes, filled)).bytesRead;
  });
}

/** Reads the weight files into one buffer, and keeps none of them. */
async function skimShards(folder: string): Promise<void> {
  const buffer = new Uint8Array(READ_BYTES);
  await eachShard(folder, async (file) => {
    while ((await file.read(buffer, 0, buffer.length, null)).bytesRead > 0);
  });
}

async function eachShard(folder: string, read: (file: FileHandle) => Promise<void>): Promise<void> {
  for (const name of await readdir(folder)) {
    if (!name.endsWith('.bin')) continue;
    const file = await open(join(folder, name));
    await read(file);
    await file.close();
  }
}

function requireModel(): tf.Sequential {
  if (model === null) throw new Error('Expected `prepareLarge` to be called first.');
  return model;
}
