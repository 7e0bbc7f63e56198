import { copyFileSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import * as tf from '@tensorflow/tfjs';
import { EntropyCheckpointCallback, loadCheckpoint, type EntropyCheckpointOptions } from '../../src/index.js';
import { FileStore } from '../../src/stores/file/file-store.js';
import { callbackWith, FIT, fitWithConfidences, setConfidence } from '../support/confidences.js';
import { rejection } from '../support/errors.js';
import { makeData, makeModel, useTempFolder, weightValues } from '../support/fixtures.js';
import { storedEpochs } from '../support/stored-epochs.js';

const tempFolder = useTempFolder();
/** Epochs in the order of falling entropy: 3, 0, 2, 1. */
const SCALES = [5, 7, 5.5, 3];
const WITH_LAST = { maxToKeep: 2, saveLast: true };

let warn: jest.SpiedFunction<typeof console.warn>;

beforeEach(() => {
  warn = jest.spyOn(console, 'warn').mockImplementation(() => undefined);
});

afterEach(() => {
  jest.restoreAllMocks();
});

const stored = (folder: string): Promise<Record<string, number>> => storedEpochs(new FileStore(folder));

/** The scale that `setConfidence` was called with. It identifies the epoch of the weights. */
const scaleOf = (model: tf.LayersModel): number => model.weights.at(-1)!.read().dataSync()[0]! / 2;

/** Resumes with a new model and a new instance, and trains epochs with these scales. */
async function resumeAndTrain(
  folder: string,
  scales: readonly number[],
  options: EntropyCheckpointOptions,
): Promise<{ checkpoint: EntropyCheckpointCallback; initialEpoch: number; resumedScale: number }> {
  const model = makeModel(tf.train.sgd(0));
  const { x, y } = makeData(24);
  const checkpoint = new EntropyCheckpointCallback({ filepath: folder, ...options });
  const { initialEpoch } = await checkpoint.resume(model);
  const resumedScale = scaleOf(model);
  const set = callbackWith('onEpochBegin', (epoch) => {
    setConfidence(model, scales[epoch - initialEpoch]!);
  });
  const epochs = initialEpoch + scales.length;
  await model.fit(x, y, { ...FIT, initialEpoch, epochs, callbacks: [set, checkpoint] });
  return { checkpoint, initialEpoch, resumedScale };
}

/** Flips a bit in a file. */
function damage(folder: string, name: string): void {
  const path = join(folder, name);
  const bytes = readFileSync(path);
  bytes[20]! ^= 1;
  writeFileSync(path, bytes);
}

function shardOf(folder: string, slotFile: string): string {
  const text = readFileSync(join(folder, slotFile), 'utf8');
  const { weightsManifest } = JSON.parse(text) as { weightsManifest: [{ paths: [string] }] };
  return weightsManifest[0].paths[0];
}

describe('resume', () => {
  it('continues from the latest epoch, and keeps the earlier best until a better one follows', async () => {
    const folder = tempFolder();
    const first = await fitWithConfidences([...SCALES, 6], { filepath: folder, ...WITH_LAST });
    const { checkpoint, initialEpoch, resumedScale } = await resumeAndTrain(folder, [6.5, 2], WITH_LAST);
    expect(initialEpoch).toBe(5);
    expect(resumedScale).toBeCloseTo(6, 5);
    expect(checkpoint.history.slice(0, 5)).toEqual(first.checkpoint.history);
    expect(checkpoint.kept.map(({ epoch }) => epoch)).toEqual([6, 3]);
    expect(await stored(folder)).toEqual({ best: 6, 'fit-1-epoch-6': 6, 'epoch-3': 3, last: 6 });
  });

  it('takes over all kept epochs, and a better one displaces the worst', async () => {
    const folder = tempFolder();
    await fitWithConfidences(SCALES, { filepath: folder, maxToKeep: 3 });
    expect(await stored(folder)).toEqual({ best: 3, 'epoch-3': 3, 'epoch-0': 0, 'epoch-2': 2 });
    const { checkpoint, initialEpoch } = await resumeAndTrain(folder, [4], { maxToKeep: 3 });
    expect(initialEpoch).toBe(4);
    expect(checkpoint.kept.map(({ epoch }) => epoch)).toEqual([3, 4, 0]);
    expect(await stored(folder)).toEqual({ best: 3, 'epoch-3': 3, 'fit-1-epoch-4': 4, 'epoch-0': 0 });
    expect((await checkpoint.loadCheckpoint({ epoch: 0 })).epoch).toBe(0);
  });

  it('continues from the best epoch if the latest is damaged, with a warning', async () => {
    const folder = tempFolder();
    await fitWithConfidences([...SCALES, 6], { filepath: folder, saveLast: true });
    const shard = shardOf(folder, 'model.last.json');
    damage(folder, shard);
    warn.mockClear();
    const { initialEpoch, resumedScale } = await resumeAndTrain(folder, [6], { saveLast: true });
    expect(initialEpoch).toBe(4);
    expect(resumedScale).toBeCloseTo(3, 5);
    expect(String(warn.mock.calls[0])).toContain(shard);
    expect(await stored(folder)).toEqual({ best: 3, last: 4 });
  });

  it('continues from the latest epoch if the best is damaged, and the next epoch becomes the best', async () => {
    const folder = tempFolder();
    await fitWithConfidences([...SCALES, 6], { filepath: folder, saveLast: true });
    damage(folder, 'model.json');
    warn.mockClear();
    const { checkpoint, initialEpoch } = await resumeAndTrain(folder, [6, 6.5], { saveLast: true });
    expect(initialEpoch).toBe(5);
    expect(warn.mock.calls.join()).toContain('model.json');
    expect(checkpoint.best?.epoch).toBe(5);
    expect(await stored(folder)).toEqual({ best: 5, last: 6 });
  });

  it('is refused if everything is damaged, and changes nothing', async () => {
    const folder = tempFolder();
    await fitWithConfidences([...SCALES, 6], { filepath: folder, ...WITH_LAST });
    for (const name of readdirSync(folder)) damage(folder, name);
    const model = makeModel(tf.train.sgd(0));
    const before = weightValues(model);
    const checkpoint = new EntropyCheckpointCallback({ filepath: folder, ...WITH_LAST });
    expect((await rejection(checkpoint.resume(model))).code).toBe('ENTROPY_CORRUPT_CHECKPOINT');
    expect(weightValues(model)).toEqual(before);
    expect(checkpoint.history).toEqual([]);
  });

  it('is refused while another training locks the folder, and can be repeated afterwards', async () => {
    const folder = tempFolder();
    await fitWithConfidences(SCALES, { filepath: folder });
    const other = new FileStore(folder);
    await other.open();
    const model = makeModel(tf.train.sgd(0));
    const before = weightValues(model);
    const checkpoint = new EntropyCheckpointCallback({ filepath: folder });
    expect((await rejection(checkpoint.resume(model))).code).toBe('ENTROPY_STORE_IN_USE');
    expect(weightValues(model)).toEqual(before);
    other.close();
    expect(await checkpoint.resume(model)).toEqual({ initialEpoch: 4, initialBatch: 0 });
  });

  it.each([
    ['model.json', 'model.epoch-3.json', 'model.last.json'],
    ['model.epoch-3.json', 'model.last.json'],
    ['model.last.json'],
  ])('completes a save that was cut short before %s', async (...missing: string[]) => {
    const folder = tempFolder();
    await fitWithConfidences(SCALES, { filepath: folder, ...WITH_LAST });
    const slotFiles = ['model.json', 'model.epoch-3.json', 'model.last.json'];
    // The epoch must stay in at least one of its slots.
    const removed = missing.length === 3 ? missing.slice(0, 2) : missing;
    for (const name of removed) rmSync(join(folder, name));
    expect(slotFiles.filter((name) => readdirSync(folder).includes(name))).toHaveLength(3 - removed.length);
    const model = makeModel(tf.train.sgd(0));
    const checkpoint = new EntropyCheckpointCallback({ filepath: folder, ...WITH_LAST });
    expect(await checkpoint.resume(model)).toEqual({ initialEpoch: 4, initialBatch: 0 });
    expect(await stored(folder)).toEqual({ best: 3, 'epoch-3': 3, 'epoch-0': 0, last: 3 });
    setConfidence(model, 1);
    expect((await checkpoint.loadCheckpoint()).epoch).toBe(3);
    expect(scaleOf(model)).toBeCloseTo(3, 5);
  });

  it('removes an epoch that a save cut short has left behind, with the next save', async () => {
    const folder = tempFolder();
    await fitWithConfidences(SCALES, { filepath: folder, ...WITH_LAST });
    const surplus = join(folder, 'model.epoch-2.json');
    copyFileSync(join(folder, 'model.epoch-0.json'), surplus);
    await resumeAndTrain(folder, [8], WITH_LAST);
    expect(await stored(folder)).toEqual({ best: 3, 'epoch-3': 3, 'epoch-0': 0, last: 4 });
  });

  it('warns and continues if it cannot complete a save that was cut short', async () => {
    const folder = tempFolder();
    await fitWithConfidences(SCALES, { filepath: folder, ...WITH_LAST });
    rmSync(join(folder, 'model.last.json'));
    class ReadOnly extends FileStore {
      override save(): Promise<never> {
        return Promise.reject(new Error('read only'));
      }
    }
    const checkpoint = new EntropyCheckpointCallback({ filepath: new ReadOnly(folder), ...WITH_LAST });
    expect(await checkpoint.resume(makeModel(tf.train.sgd(0)))).toEqual({ initialEpoch: 4, initialBatch: 0 });
    expect(warn.mock.calls.join()).toContain('read only');
  });

  it('removes surplus epochs with the next save if `maxToKeep` is smaller than before', async () => {
    const folder = tempFolder();
    await fitWithConfidences(SCALES, { filepath: folder, maxToKeep: 3 });
    await resumeAndTrain(folder, [2], {});
    expect(await stored(folder)).toEqual({ best: 4 });
    expect(readdirSync(folder)).toHaveLength(2);
    expect((await loadCheckpoint(folder)).record.epoch).toBe(4);
  });
});
