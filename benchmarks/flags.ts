import { existsSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { Command, InvalidArgumentError } from 'commander';
import { isInstalled } from './machine.js';
import { fileToWrite, listOf } from './flag-values.js';
import {
  BACKEND_LABELS,
  PARTS,
  WORKLOADS,
  type BackendLabel,
  type Part,
  type WorkloadName,
} from './names.js';

export interface Flags {
  readonly backends: readonly BackendLabel[];
  readonly only: readonly Part[];
  readonly workloads: readonly WorkloadName[];
  /** Seconds for the rounds of one workload on one backend. */
  readonly budget: number;
  /** Checkpoints are written to a temporary folder in it. */
  readonly folder: string;
  readonly quick: boolean;
  readonly json?: string;
  readonly markdown?: string;
}

/** Reads the command line. `--help` ends the process with status 0, a mistake with a message and status 2. */
export function parseFlags(args: readonly string[]): Flags {
  return new Command('npm run bench --')
    .description('Measures what the callback costs: the time of fit, kernels and saving, and memory.')
    .exitOverride(({ exitCode }) => process.exit(exitCode === 0 ? 0 : 2))
    .showHelpAfterError('Run with --help to see every flag.')
    .option(
      '--backends <names>',
      `the backends to measure, any of ${BACKEND_LABELS.join(',')}`,
      listOf(BACKEND_LABELS),
      installedBackends(),
    )
    .option('--only <parts>', `the parts to run, any of ${PARTS.join(',')}`, listOf(PARTS), PARTS)
    .option(
      '--workloads <names>',
      `the workloads to train, any of ${WORKLOADS.join(',')}`,
      listOf(WORKLOADS),
      WORKLOADS,
    )
    .option('--budget <seconds>', 'time for each workload on each backend', positiveNumber, 90)
    .option('--folder <folder>', 'write checkpoints to a temporary folder in it', existingFolder, tmpdir())
    .option('--quick', 'a few rounds of small measurements, to check that everything runs', false)
    .option('--json <file>', 'write every measurement to this file', fileToWrite)
    .option(
      '--markdown <file>',
      'write the tables to this file, between <!-- results --> and <!-- /results -->',
      fileToWrite,
    )
    .parse(args, { from: 'user' })
    .opts<Flags>();
}

/** `npm ci` does not install tfjs-node. */
function installedBackends(): BackendLabel[] {
  return BACKEND_LABELS.filter((label) => label !== 'tensorflow' || isInstalled('@tensorflow/tfjs-node'));
}

function existingFolder(path: string): string {
  if (existsSync(path) && statSync(path).isDirectory()) return path;
  throw new InvalidArgumentError(`Expected an existing folder, got '${path}'.`);
}

function positiveNumber(text: string): number {
  const value = Number(text);
  if (Number.isFinite(value) && value > 0) return value;
  throw new InvalidArgumentError(`Expected a number of seconds above 0, got '${text}'.`);
}
