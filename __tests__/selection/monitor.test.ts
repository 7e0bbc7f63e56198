import { describe, expect, it, test } from '@jest/globals';
import type { MonitoredEpoch } from '../../src/epoch-record.js';
import { isKnownToFit, type LoggedByFit } from '../../src/selection/known-to-fit.js';
import {
  isEntropyMonitor,
  requireLogged,
  requirePredictions,
  resolveMonitor,
  type Monitor,
  type MonitorOptions,
} from '../../src/selection/monitor.js';
import { consensus } from '../../src/selection/monitors/consensus.js';
import { labelWave } from '../../src/selection/monitors/label-wave.js';
import { thrownBy } from '../support/errors.js';

function monitorOf(monitor: MonitorOptions['monitor'], options: Partial<MonitorOptions> = {}): Monitor {
  return resolveMonitor({ mode: 'auto', patience: null, ...options, monitor });
}

const epochOf = (logs: Record<string, number> = {}): MonitoredEpoch => ({
  epoch: 0,
  fit: 0,
  entropy: 0.1,
  trainEntropy: 0.2,
  valEntropy: 0.3,
  logs,
});

describe('the value', () => {
  test.each([
    ['entropy', 0.1],
    ['train_entropy', 0.2],
    ['val_entropy', 0.3],
    ['val_acc', 0.9],
    ['val_loss', null],
  ])('of %s comes from the record: %p', (name, expected) => {
    const epochs = [epochOf({ val_acc: 0.4 }), epochOf({ val_acc: 0.9 })];
    expect(monitorOf(name).valueOf(epochs, 10)).toBe(expected);
  });

  test('of a function is its result for the latest epoch', () => {
    const monitor = monitorOf(({ logs, entropy }) => logs['a']! + entropy!, { mode: 'min' });
    expect(monitor.valueOf([epochOf({ a: 5 }), epochOf({ a: 7 })], null)).toBe(7.1);
    expect(monitorOf(() => null, { mode: 'max' }).valueOf([epochOf()], null)).toBeNull();
  });

  test.each([['0.5'], [true], [{}], [Promise.resolve(1)]])(
    'of a function that returns %p is refused',
    (returned) => {
      const monitor = monitorOf(() => returned as unknown as number, { mode: 'max' });
      const { code, message } = thrownBy(() => monitor.valueOf([epochOf()], null));
      expect(code).toBe('ENTROPY_INVALID_OPTION');
      expect(message).toContain('Expected the `monitor` function to return a number or null');
    },
  );

  test('of accuracy and loss takes a tenth of the loss, as a share of that of a network that knows nothing', () => {
    const { mode, valueOf } = monitorOf('val_acc_and_loss');
    expect(mode).toBe('max');
    const logs = { val_acc: 0.8, val_loss: 0.5 * Math.log(4) };
    expect(valueOf([epochOf({ val_acc: 0.1, val_loss: 9 }), epochOf(logs)], 4)).toBeCloseTo(0.8 - 0.05, 12);
    expect(valueOf([epochOf(logs)], 16)).toBeCloseTo(0.8 - 0.025, 12);
    expect(valueOf([epochOf(logs)], null)).toBeNull();
    expect(valueOf([epochOf({ val_acc: 0.8 })], 4)).toBeNull();
  });

  test('of a comparing monitor is computed by that monitor', () => {
    expect(monitorOf('consensus')).toMatchObject({ comparing: consensus, valueOf: consensus.valueOf });
    expect(monitorOf('label_wave')).toMatchObject({ comparing: labelWave, valueOf: labelWave.valueOf });
  });
});

describe('the mode', () => {
  test.each([
    'entropy',
    'train_entropy',
    'val_entropy',
    'consensus',
    'val_acc_and_loss',
    'acc',
    'val_acc',
    'out1_acc',
    'val_out1_acc',
    'val_acc_1',
    'val_dense_Dense3_acc_2',
    'accuracy',
    'categoricalAccuracy',
    'val_binaryAccuracy',
    'sparse_categorical_accuracy',
    'precision',
    'val_recall',
    'auc',
    'AUC',
  ])('of %s is max', (name) => {
    expect(monitorOf(name).mode).toBe('max');
  });

  test.each([
    'label_wave',
    'loss',
    'val_loss',
    'out_loss',
    'val_out_loss',
    'loss_1',
    'mse',
    'val_MSE',
    'mae',
    'mape',
    'meanAbsoluteError',
    'val_meanSquaredError',
    'mean_squared_error',
    'categoricalCrossentropy',
    'val_binaryCrossentropy_1',
    'ce',
  ])('of %s is min', (name) => {
    expect(monitorOf(name).mode).toBe('min');
  });

  test.each([
    'f1',
    'val_f1',
    'entropy_',
    'my_entropy',
    'val_topk',
    'reward',
    'acc_best',
    'lossy',
    'precious',
    'racc',
  ])('of %s cannot be inferred, and the error says what to set', (name) => {
    const { code, message } = thrownBy(() => monitorOf(name));
    expect(code).toBe('ENTROPY_INVALID_OPTION');
    expect(message).toContain(`"${name}"`);
    expect(message).toContain("Set `mode: 'max'` or `mode: 'min'`");
    expect(monitorOf(name, { mode: 'min' }).mode).toBe('min');
  });

  test('of a function must be set', () => {
    const { code, message } = thrownBy(() => monitorOf(() => 1));
    expect(code).toBe('ENTROPY_INVALID_OPTION');
    expect(message).toContain("Set `mode: 'max'` or `mode: 'min'`");
    expect(monitorOf(() => 1, { mode: 'min' }).mode).toBe('min');
  });

  it('can be set for an entropy or a metric', () => {
    expect(monitorOf('entropy', { mode: 'min' }).mode).toBe('min');
    expect(monitorOf('val_acc', { mode: 'min' }).mode).toBe('min');
  });

  test.each([
    ['consensus', 'min'],
    ['label_wave', 'max'],
  ] as const)('of %s cannot be %s', (name, mode) => {
    const { code, message } = thrownBy(() => monitorOf(name, { mode }));
    expect(code).toBe('ENTROPY_INVALID_OPTION');
    expect(message).toContain(`'${mode}'`);
  });
});

test.each([
  ['entropy', Infinity],
  ['val_acc', Infinity],
  ['consensus', 7],
  ['label_wave', 1],
])('the patience of %s is %p, unless it is set', (name, expected) => {
  expect(monitorOf(name).patience).toBe(expected);
  expect(monitorOf(name, { patience: 3 }).patience).toBe(3);
  expect(monitorOf(name, { patience: Infinity }).patience).toBe(Infinity);
});

test.each([
  ['entropy', true],
  ['train_entropy', true],
  ['val_entropy', true],
  ['acc', false],
  ['val_loss', false],
  ['consensus', false],
  ['val_acc_and_loss', false],
])('%p is an entropy: %p', (name, expected) => {
  expect(isEntropyMonitor(monitorOf(name))).toBe(expected);
});

describe('isKnownToFit', () => {
  const FIT: LoggedByFit = {
    metrics: ['loss', 'acc', 'val_loss', 'val_acc'],
    hasValidation: true,
    mayBeAdded: false,
    isNamed: true,
  };
  const WITHOUT_VALIDATION: LoggedByFit = { ...FIT, metrics: ['loss', 'acc'], hasValidation: false };

  it.each([
    'entropy',
    'train_entropy',
    'val_entropy',
    'consensus',
    'label_wave',
    'val_acc_and_loss',
    'acc',
    'val_loss',
  ])('accepts %s', (name) => {
    expect(isKnownToFit(monitorOf(name), FIT)).toBe(true);
  });

  it('accepts a function', () => {
    expect(
      isKnownToFit(
        monitorOf(() => 1, { mode: 'max' }),
        WITHOUT_VALIDATION,
      ),
    ).toBe(true);
  });

  test.each([
    ['accuracy', 'acc'],
    ['val_accuracy', 'val_acc'],
  ])('says that TensorFlow.js calls %s %s', (name, shortName) => {
    const { message } = thrownBy(() => isKnownToFit(monitorOf(name), FIT));
    expect(message).toContain(`got '${name}'. TensorFlow.js calls it '${shortName}'.`);
  });

  test('val_acc_and_loss needs both, or another callback that may add one', () => {
    const monitor = monitorOf('val_acc_and_loss');
    const fit: LoggedByFit = { ...FIT, metrics: ['loss', 'val_loss'] };
    const { code, message } = thrownBy(() => isKnownToFit(monitor, fit));
    expect(code).toBe('ENTROPY_UNKNOWN_MONITOR');
    expect(message).toContain("got 'val_acc'");
    expect(isKnownToFit(monitor, { ...fit, mayBeAdded: true })).toBe(false);
    expect(
      thrownBy(() => {
        requireLogged(monitor, ['loss', 'val_acc']);
      }).message,
    ).toContain("got 'val_loss'");
  });

  it.each(['val_entropy', 'consensus', 'label_wave', 'val_acc_and_loss', 'val_acc', 'val_loss'])(
    'refuses %s without validation, also if the mode is set',
    (name) => {
      for (const mayBeAdded of [false, true]) {
        const check = (): unknown => isKnownToFit(monitorOf(name), { ...WITHOUT_VALIDATION, mayBeAdded });
        const { code, message } = thrownBy(check);
        expect(code).toBe('ENTROPY_UNKNOWN_MONITOR');
        expect(message).toContain('(entropy, train_entropy, loss, acc)');
        expect(message).toContain('`validationSplit` or `validationData`');
      }
    },
  );

  it('refuses a metric that the model is not compiled with', () => {
    const { code, message } = thrownBy(() => isKnownToFit(monitorOf('val_precision'), FIT));
    expect(code).toBe('ENTROPY_UNKNOWN_MONITOR');
    expect(message).toContain(
      '(entropy, train_entropy, val_entropy, consensus, label_wave, val_acc_and_loss, loss, acc, val_loss, val_acc)',
    );
    expect(message).toContain('Compile the model with that metric');
  });

  it.each(['entropy', 'val_entropy', 'consensus', 'label_wave'])(
    'refuses the name %s if a metric of the model has it as well, unless it is the default',
    (name) => {
      const fit = { ...FIT, metrics: [...FIT.metrics, name] };
      const { code, message } = thrownBy(() => isKnownToFit(monitorOf(name), fit));
      expect(code).toBe('ENTROPY_INVALID_OPTION');
      expect(message).toContain(`\`monitor: ({ logs }) => logs['${name}']\``);
      expect(isKnownToFit(monitorOf(name), { ...fit, isNamed: false })).toBe(true);
    },
  );

  it('is unsure of a value that an earlier callback may add, if the mode is set', () => {
    const monitor = monitorOf('f1', { mode: 'max' });
    expect(isKnownToFit(monitor, { ...FIT, mayBeAdded: true })).toBe(false);
    expect(() => isKnownToFit(monitor, FIT)).toThrow('an earlier callback adds to `logs`');
  });
});

describe('requireLogged', () => {
  it('needs a metric', () => {
    requireLogged(monitorOf('val_acc'), ['loss', 'val_acc']);
    const { code, message } = thrownBy(() => {
      requireLogged(monitorOf('val_acc'), ['loss', 'acc']);
    });
    expect(code).toBe('ENTROPY_UNKNOWN_MONITOR');
    expect(message).toContain("(loss, acc), got 'val_acc'");
  });

  it.each(['entropy', 'consensus'])('does not need %s', (name) => {
    requireLogged(monitorOf(name), []);
  });

  it('does not need the value of a function', () => {
    requireLogged(
      monitorOf(() => 1, { mode: 'max' }),
      [],
    );
  });
});

describe('requirePredictions', () => {
  it.each([
    ['entropy', [['train'], ['val'], ['train', 'val']], [[]]],
    ['train_entropy', [['train'], ['train', 'val']], [[], ['val']]],
    ['val_entropy', [['val'], ['train', 'val']], [[], ['train']]],
    ['consensus', [['train', 'val']], [[], ['train'], ['val']]],
    ['label_wave', [['val'], ['train', 'val']], [[], ['train']]],
    ['val_acc', [[], ['train'], ['val']], []],
  ] as const)('needs the predictions of %s', (name, enough, tooFew) => {
    const monitor = monitorOf(name);
    for (const phases of enough) requirePredictions(monitor, phases);
    for (const phases of tooFew) {
      const { code } = thrownBy(() => {
        requirePredictions(monitor, phases);
      });
      expect(code).toBe('ENTROPY_NO_PREDICTIONS');
    }
  });

  it('names the missing phase in the error', () => {
    expect(() => {
      requirePredictions(monitorOf('consensus'), ['train']);
    }).toThrow("`monitor: 'consensus'` needs predictions of train and val, got no row of val.");
  });
});
