import { expect, test } from '@jest/globals';
import { join } from 'node:path';
import type * as tf from '@tensorflow/tfjs';
import { EntropyCheckpointCallback, EntropyCheckpointError, loadCheckpoint } from '../../src/index.js';
import { craft, LOCATIONS, type ModelJson } from './fixtures/crafted.js';
import { DENSE, disposeAll } from './fixtures/samples.js';
import { useSamples } from './fixtures/use-samples.js';

const { root, sample } = useSamples();

/** Erases the terminal, turns the text around, and is long. */
const HOSTILE = `\u001b[2J\u202e\u009b${'A'.repeat(100_000)}\u0000`;

const CHANGES: Readonly<Record<string, (crafted: ModelJson) => void>> = {
  'the name of a weight': ({ weightsManifest }) => {
    const [weight] = weightsManifest[0].weights;
    weight!.name = HOSTILE;
    weight!.shape = [...weight!.shape, ...Array.from({ length: 50_000 }, () => 1)];
  },
  'the path of a weight': ({ userDefinedMetadata: { entropyCheckpoint } }) => {
    entropyCheckpoint.weights[0] = Array.from({ length: 50_000 }, () => 11);
  },
  'the class of the optimizer': ({ userDefinedMetadata: { entropyCheckpoint } }) => {
    entropyCheckpoint.optimizer.className = HOSTILE;
  },
  'the field of an optimizer': ({ userDefinedMetadata: { entropyCheckpoint } }) => {
    const { fields } = entropyCheckpoint.optimizer;
    fields['learningRate'] = { scalar: HOSTILE };
  },
  'the class of a layer': ({ modelTopology }) => {
    modelTopology.config.layers[0]!['class_name'] = HOSTILE;
  },
  'the name of a layer': ({ modelTopology }) => {
    for (const layer of modelTopology.config.layers) layer['config'] = { name: HOSTILE, units: 'x' };
  },
  'the version of the format': ({ userDefinedMetadata }) => {
    Object.assign(userDefinedMetadata.entropyCheckpoint, { formatVersion: HOSTILE });
  },
  'the monitor': ({ userDefinedMetadata }) => {
    Object.assign(userDefinedMetadata.entropyCheckpoint, { monitor: HOSTILE });
  },
};

test.each(Object.entries(CHANGES))(
  'messages stay short and plain where %s is hostile',
  async (_name, change) => {
    const modelJson = await craft(sample(DENSE), change);
    const folder = await LOCATIONS['a folder']!(modelJson, sample(DENSE), join(root(), 'messages'));
    const model = sample(DENSE).makeModel(9);
    const uses = [
      () => loadCheckpoint(folder, { model }),
      () => loadCheckpoint(folder),
      () => new EntropyCheckpointCallback({ filepath: folder as string }).resume(model),
    ];
    let refused = 0;
    for (const use of uses) {
      const outcome: unknown = await use().catch((error: unknown) => error);
      if (!(outcome instanceof EntropyCheckpointError)) {
        const loaded = (outcome as { model?: tf.LayersModel }).model ?? model;
        if (loaded !== model) disposeAll(loaded);
        continue;
      }
      refused++;
      const { message } = outcome;
      expect(message).not.toMatch(/[\p{Cc}\p{Bidi_Control}]/u);
      expect(message.replaceAll(folder as string, '').length).toBeLessThan(700);
      expect(message).not.toMatch(/A{201}/);
    }
    expect(refused).toBeGreaterThan(0);
    disposeAll(model);
  },
);
