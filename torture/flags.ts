import { Command, InvalidArgumentError } from 'commander';
import { fileToWrite, listOf } from '../benchmarks/flag-values.js';
import { PARTS, type Part } from './parts.js';

const QUICK_KILLS = 5;
const DEFAULT_KILLS = 200;

export interface Flags {
  readonly only: readonly Part[];
  /** Kills of trainings. Save loops get the same number. */
  readonly kills: number;
  readonly seed: string;
  readonly quick: boolean;
  readonly json?: string;
  readonly keep?: string;
}

/** Reads the command line. `--help` ends the process with status 0, a mistake with a message and status 2. */
export function parseFlags(args: readonly string[]): Flags {
  const flags = new Command('npm run torture --')
    .description(
      'Tests whether stored checkpoints survive kills at random moments, full disks and damaged files.',
    )
    .exitOverride(({ exitCode }) => process.exit(exitCode === 0 ? 0 : 2))
    .showHelpAfterError('Run with --help to see every flag.')
    .option('--only <parts>', `the parts to run, any of ${PARTS.join(',')}`, listOf(PARTS), PARTS)
    .option(
      '--kills <count>',
      `kills of trainings, and the same number of save loops (default: ${DEFAULT_KILLS})`,
      positiveInteger,
    )
    .option('--seed <text>', 'seed for the moments, sizes and damage', '1')
    .option('--quick', `${QUICK_KILLS} kills and little damage, to check that everything runs`, false)
    .option('--json <file>', 'write every count to this file', fileToWrite)
    .option('--keep <folder>', 'copy the files of every loss to this folder')
    .parse(args, { from: 'user' })
    .opts<Omit<Flags, 'kills'> & { kills?: number }>();
  return { ...flags, kills: flags.kills ?? (flags.quick ? QUICK_KILLS : DEFAULT_KILLS) };
}

function positiveInteger(text: string): number {
  const value = Number(text);
  if (Number.isInteger(value) && value > 0) return value;
  throw new InvalidArgumentError(`Expected an integer from 1 up, got '${text}'.`);
}
