import { inspect } from 'node:util';
import { describe, expect, it } from '@jest/globals';
import { EntropyCheckpoint, EntropyCheckpointCallback } from '../../src/index.js';
import { defineInspection } from '../../src/stores/browser-stores.js';
import { fitWithConfidences } from '../support/confidences.js';
import { disposeTrained } from '../support/dispose-trained.js';
import { disposeModel, expectNoTensorsLeft, makeModel } from '../support/fixtures.js';

describe('what Node prints of a checkpoint', () => {
  it('is short, and has neither private fields nor those of TensorFlow.js', async () => {
    const { checkpoint, model } = await fitWithConfidences([6, 2, 3], { maxToKeep: 2 });
    await expectNoTensorsLeft(() => {
      const value = String(checkpoint.best!.value);
      const expected = [
        'EntropyCheckpointCallback {',
        "  monitor: 'entropy',",
        "  mode: 'max',",
        '  location: null,',
        `  best: { epoch: 1, value: ${value} },`,
        '  kept: [ 1, 2 ],',
        '  epochs: 3',
        '}',
      ];
      expect(inspect(checkpoint)).toBe(expected.join('\n'));
      expect(inspect(new Proxy(checkpoint, {}))).toBe(inspect(checkpoint));
      expect(inspect({ run: checkpoint })).toContain(`\n    monitor: 'entropy',`);
    });
    checkpoint.dispose();
    disposeTrained(model);
  });

  it('is its class where Node shows no more levels', () => {
    const checkpoint = new EntropyCheckpointCallback();
    expect(inspect({ run: checkpoint }, { depth: 0, compact: true })).toBe(
      '{ run: [EntropyCheckpointCallback] }',
    );
    expect(inspect({ run: checkpoint }, { depth: null })).toContain('EntropyCheckpointCallback {');
  });

  it('has the name of a subclass, and works before training', () => {
    class Mine extends EntropyCheckpointCallback {}
    const model = makeModel();
    expect(inspect(new Mine())).toMatch(/^Mine \{[^]*best: null,\n {2}kept: \[\],\n {2}epochs: 0\n\}$/);
    expect(inspect(new EntropyCheckpoint(model))).toMatch(/^EntropyCheckpoint \{\n {2}monitor: 'entropy',/);
    disposeModel(model);
  });

  it('does not concern a browser', () => {
    expect(defineInspection).not.toThrow();
  });
});
