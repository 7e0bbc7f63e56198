import { Command, InvalidArgumentError, Option } from 'commander';
import { listOf } from '../../benchmarks/flag-values.js';
import { redisUrl } from './queue/redis-url.js';
import { NOISE_NAMES } from '../noisy-mnist/label-noise.js';
import { BACKENDS, DATA_NAMES, MONITORS, type Grid } from './settings.js';
import { s3Location } from './sweep-store.js';

export interface Flags extends Grid {
  readonly redis: string;
  readonly store: string;
  readonly workers: number;
  readonly leaseSeconds: number;
  readonly report: string;
  readonly measure: boolean;
}

const MAX_COUNT = 1_000_000;

/** Parses the command line. `--help` exits with status 0, and a wrong flag with a message and status 2. */
export function parseFlags(args: readonly string[]): Flags {
  return sweepCommand().parse(args, { from: 'user' }).opts<Flags>();
}

function sweepCommand(): Command {
  const command = new Command('npm run sweep --')
    .description(
      'Trains every combination of data, noise, seed and monitor, on this machine or on any number of them: run the same ' +
        'command elsewhere, or again.',
    )
    .exitOverride(({ exitCode }) => process.exit(exitCode === 0 ? 0 : 2))
    .showHelpAfterError('Run with --help to see all flags.');
  command
    .optionsGroup('Where:')
    .requiredOption('--redis <url>', 'the queue, such as redis://127.0.0.1:6379', redisUrl)
    .requiredOption('--store <url>', 'checkpoints and results: s3://bucket/prefix, or a folder', store)
    .option('--workers <count>', 'worker processes on this machine; 0 only watches', integer(0, 256), 2)
    .option(
      '--lease-seconds <count>',
      'a worker that is not heard of for so long is given up',
      integer(3, 3600),
      30,
    )
    .option('--report <folder>', 'where the reports are written', text, 'sweep_report');
  command
    .optionsGroup('Which trainings, separated by commas:')
    .option('--data <names>', `any of ${DATA_NAMES.join(',')}`, listOf(DATA_NAMES), ['blobs'])
    .option('--noise <names>', `any of ${NOISE_NAMES.join(',')}`, listOf(NOISE_NAMES), ['symmetric-40'])
    .option('--seeds <numbers>', 'numbers and ranges, such as 1-5,8', seeds, [1, 2, 3])
    .option('--monitors <names>', `any of ${MONITORS.join(',')}`, listOf(MONITORS), ['val_acc', 'consensus']);
  command
    .optionsGroup('How they train:')
    .option('--epochs <count>', 'epochs', integer(1, 10_000), 20)
    .option('--rows <count>', 'rows to train on', integer(30, 45_000), 3000)
    .option('--batch-size <count>', 'rows per batch', integer(1, MAX_COUNT), 32)
    .option('--learning-rate <rate>', 'learning rate of Adam', positive, 0.002)
    .option('--average-weights', 'validate and keep an average of the weights', false)
    .addOption(new Option('--backend <name>', 'backend of TensorFlow.js').choices(BACKENDS).default('wasm'));
  command
    .optionsGroup('Instead:')
    .option('--measure', 'measures what queue and store cost the first of these trainings', false);
  return command;
}

function store(value: string): string {
  const isUrl = /^[a-z0-9]+:\/\//i.test(value);
  if (value.trim() !== '' && (!isUrl || s3Location(value) !== null)) return value;
  throw new InvalidArgumentError('Expected s3://bucket/prefix, or the path of a folder.');
}

function text(value: string): string {
  if (value.trim() !== '') return value;
  throw new InvalidArgumentError('Expected the path of a folder.');
}

function seeds(value: string): number[] {
  const found = value.split(',').flatMap((part) => {
    const [, first, last = first] = /^\s*(\d{1,6})(?:-(\d{1,6}))?\s*$/.exec(part) ?? [];
    const [from, to] = [Number(first), Number(last)];
    if (!(from <= to)) {
      throw new InvalidArgumentError('Expected numbers from 0 up, or ranges of them, such as 1-5,8.');
    }
    return Array.from({ length: to - from + 1 }, (_, i) => from + i);
  });
  return [...new Set(found)];
}

function integer(min: number, max: number): (value: string) => number {
  return (value) => {
    const number = value.trim() === '' ? NaN : Number(value);
    if (Number.isInteger(number) && number >= min && number <= max) return number;
    throw new InvalidArgumentError(`Expected an integer from ${min} to ${max}.`);
  };
}

function positive(value: string): number {
  const number = value.trim() === '' ? NaN : Number(value);
  if (number > 0 && number < Infinity) return number;
  throw new InvalidArgumentError('Expected a number above 0.');
}
