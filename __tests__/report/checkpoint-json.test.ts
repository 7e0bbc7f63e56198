import { describe, expect, it } from '@jest/globals';
import { join } from 'node:path';
import { EntropyCheckpoint, EntropyCheckpointCallback, MemoryStore } from '../../src/index.js';
import { fitWithConfidences } from '../support/confidences.js';
import { disposeTrained } from '../support/dispose-trained.js';
import { disposeModel, expectNoTensorsLeft, makeModel, useTempFolder } from '../support/fixtures.js';
import { seenThroughProxy } from '../support/proxy.js';

const tempFolder = useTempFolder();

const parsed = (checkpoint: object): unknown => JSON.parse(JSON.stringify(checkpoint));

describe('JSON of a checkpoint', () => {
  it('has no epoch before training', () => {
    const model = makeModel();
    const expected = { monitor: 'val_loss', mode: 'min', location: null, best: null, kept: [], history: [] };
    const options = { monitor: 'val_loss', filepath: null };
    expect(parsed(new EntropyCheckpointCallback(options))).toEqual(expected);
    expect(parsed(new EntropyCheckpoint(model, undefined, options))).toEqual(expected);
    disposeModel(model);
  });

  it('has the records of a training and no inner fields, also through a proxy', async () => {
    const filepath = join(tempFolder(), 'run');
    const { checkpoint, model } = await fitWithConfidences([6, 2, 3], { filepath, maxToKeep: 2 });
    await expectNoTensorsLeft(() => {
      const { best, kept, history } = checkpoint;
      const expected = { monitor: 'entropy', mode: 'max', location: filepath, best, kept, history };
      expect(checkpoint.toJSON()).toEqual(expected);
      expect(parsed(checkpoint)).toEqual(JSON.parse(JSON.stringify(expected)));
      expect(parsed({ run: seenThroughProxy(checkpoint) })).toEqual({ run: parsed(checkpoint) });
      expect(structuredClone(checkpoint.toJSON())).toEqual(expected);
    });
    checkpoint.dispose();
    disposeTrained(model);
  });

  it('is as it was when training continues', async () => {
    await expectNoTensorsLeft(async () => {
      const model = makeModel();
      const checkpoint = new EntropyCheckpoint(model, undefined, {
        monitor: 'f1',
        mode: 'max',
        filepath: null,
      });
      await checkpoint.saveCheckpoint(0, { f1: 0.5, loss: NaN });
      const before = checkpoint.toJSON();
      await checkpoint.saveCheckpoint(1, { f1: 0.75 });
      expect(before.history).toHaveLength(1);
      expect([before.best?.epoch, before.kept.length]).toEqual([0, 1]);
      expect(parsed(checkpoint)).toMatchObject({
        best: { epoch: 1 },
        history: [{ logs: { loss: null } }, {}],
      });
      checkpoint.dispose();
      disposeModel(model);
    });
  });

  it('names a function, and a location that has no path', () => {
    const handler = { save: () => Promise.reject(new Error('full')) };
    const json = (filepath: object): unknown =>
      parsed(new EntropyCheckpointCallback({ filepath, monitor: () => 1, mode: 'max' } as object));
    expect(json(handler)).toMatchObject({ monitor: '(a function)', location: 'the tf.io.IOHandler' });
    expect(json(new MemoryStore())).toMatchObject({ location: 'memory' });
  });
});
