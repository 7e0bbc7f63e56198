import { availableParallelism } from 'node:os';
import { Command, InvalidArgumentError, Option } from 'commander';
import { redisUrl } from '../examples/sweep/queue/redis-url.js';

export const PRESETS = ['quick', 'full'] as const;

export interface Flags {
  readonly preset: (typeof PRESETS)[number];
  readonly processes: number;
  /** Whether to train what is not recorded. Otherwise only recorded trainings are evaluated. */
  readonly train: boolean;
  /** The queue that the trainings are taken from; absent: this machine trains all of them. */
  readonly redis?: string;
}

/** Reads the command line. `--help` ends the process with status 0, a wrong flag with a message and status 2. */
export function parseFlags(args: readonly string[]): Flags {
  return new Command('npm run study --')
    .description('Trains what is not recorded yet, then evaluates every rule that selects an epoch.')
    .exitOverride(({ exitCode }) => process.exit(exitCode === 0 ? 0 : 2))
    .showHelpAfterError('Run with --help to see every flag.')
    .addOption(
      new Option(
        '--preset <name>',
        'quick: a few trainings in under three minutes, to check that the study runs',
      )
        .choices(PRESETS)
        .default('full'),
    )
    .option(
      '--processes <count>',
      'how many trainings run at the same time',
      positiveInteger,
      availableParallelism(),
    )
    .option(
      '--redis <url>',
      'share the trainings with all machines that run the same command, through a queue there',
      redisUrl,
    )
    .option('--no-train', 'evaluate recorded trainings only')
    .parse(args, { from: 'user' })
    .opts<Flags>();
}

function positiveInteger(text: string): number {
  const value = Number(text);
  if (Number.isInteger(value) && value > 0) return value;
  throw new InvalidArgumentError(`Expected an integer from 1 up, got '${text}'.`);
}
