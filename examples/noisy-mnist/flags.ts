import { Command, InvalidArgumentError, Option } from 'commander';
import { DATASET_NAMES, NUM_TEST_IMAGES, NUM_TRAIN_IMAGES, type DatasetName } from './dataset.js';
import { NOISE_TYPES, type NoiseType } from './label-noise.js';

export interface Flags {
  dataset: DatasetName;
  noise: number;
  noiseType: NoiseType;
  samples: number;
  testSamples: number;
  epochs: number;
  batchSize: number;
  learningRate: number;
  backend: 'wasm' | 'cpu';
  seed: number;
  out: string;
  report: string;
  monitor: string;
  mode: 'auto' | 'max' | 'min';
  minDelta: number;
  startFromEpoch: number;
  averageWeights: boolean;
  optimizer: boolean;
}

/** The values that this example can monitor. */
const MONITORS = [
  'entropy',
  'train_entropy',
  'val_entropy',
  'consensus',
  'label_wave',
  'loss',
  'val_loss',
  'acc',
  'val_acc',
];

/** Parses the command line. `--help` exits with status 0, and a wrong flag with a message and status 2. */
export function parseFlags(args: readonly string[]): Flags {
  const command = noisyMnistCommand();
  const flags = command.parse(args, { from: 'user' }).opts<Flags>();
  if (flags.startFromEpoch >= flags.epochs) {
    command.error(
      `error: option '--start-from-epoch ${flags.startFromEpoch}' leaves no epoch to keep. Expected a number below --epochs, which is ${flags.epochs}.`,
    );
  }
  return flags;
}

function noisyMnistCommand(): Command {
  const command = new Command('npm start --')
    .description(
      'Trains on noisy labels, keeps the epoch with the highest entropy, and compares it with the others.',
    )
    .exitOverride(({ exitCode }) => process.exit(exitCode === 0 ? 0 : 2))
    .showHelpAfterError('Run with --help to see all flags.');
  command
    .optionsGroup('Data:')
    .addOption(oneOf('--dataset <name>', 'image dataset', DATASET_NAMES).default('mnist'))
    .option('--samples <count>', 'images to train on', integer(100, NUM_TRAIN_IMAGES), 5000)
    .option('--test-samples <count>', 'test images, with clean labels', integer(1, NUM_TEST_IMAGES), 2000)
    .option('--noise <rate>', 'share of wrong labels, from 0 to below 1', rate, 0.4)
    .addOption(oneOf('--noise-type <type>', 'which wrong label', NOISE_TYPES).default('symmetric'));
  command
    .optionsGroup('Training:')
    .option('--epochs <count>', 'epochs', integer(1, 10_000), 30)
    .option('--batch-size <count>', 'images per batch', integer(1, NUM_TRAIN_IMAGES), 128)
    .option('--learning-rate <rate>', 'learning rate of Adam', positive, 0.001)
    .addOption(oneOf('--backend <name>', 'backend of TensorFlow.js', ['wasm', 'cpu']).default('wasm'))
    .option('--seed <number>', 'the same seed repeats a run exactly', integer(0, Number.MAX_SAFE_INTEGER), 1);
  command
    .optionsGroup('Checkpoint:')
    .option('--out <folder>', 'where the checkpoint is stored', folder, 'noisy_mnist_checkpoint')
    .option('--report <file>', 'HTML report on the training', file, 'noisy_mnist_report.html')
    .addOption(oneOf('--monitor <value>', 'the value that selects the epoch', MONITORS).default('entropy'))
    .addOption(oneOf('--mode <mode>', 'which value is best', ['auto', 'max', 'min']).default('auto'))
    .option('--min-delta <value>', 'an improvement must be larger than this', nonNegative, 0)
    .option('--start-from-epoch <epoch>', 'earlier epochs are not kept', integer(0, 10_000), 0)
    .option('--average-weights', 'validate and keep an average of the weights', false)
    .option('--no-optimizer', 'do not store the optimizer state');
  return command;
}

function oneOf(flag: string, description: string, values: readonly string[]): Option {
  return new Option(flag, description).choices(values);
}

function integer(min: number, max: number): (text: string) => number {
  return (text) => {
    const value = number(text);
    if (Number.isInteger(value) && value >= min && value <= max) return value;
    throw new InvalidArgumentError(`Expected an integer from ${min} to ${max}.`);
  };
}

function rate(text: string): number {
  const value = number(text);
  if (value >= 0 && value < 1) return value;
  throw new InvalidArgumentError('Expected a number from 0 to below 1.');
}

function positive(text: string): number {
  const value = number(text);
  if (value > 0 && value < Infinity) return value;
  throw new InvalidArgumentError('Expected a number above 0.');
}

function nonNegative(text: string): number {
  const value = number(text);
  if (value >= 0 && value < Infinity) return value;
  throw new InvalidArgumentError('Expected a number from 0 up.');
}

/** Returns NaN for a text that is not a number. `Number('')` would be 0. */
function number(text: string): number {
  return text.trim() === '' ? NaN : Number(text);
}

function file(text: string): string {
  if (text.trim() !== '') return text;
  throw new InvalidArgumentError('Expected the path of a file.');
}

function folder(text: string): string {
  if (text.trim() !== '') return text;
  throw new InvalidArgumentError('Expected the path of a folder.');
}
