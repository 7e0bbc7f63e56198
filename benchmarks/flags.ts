import { Command, InvalidArgumentError, Option } from 'commander';

export interface Flags {
  rounds: number;
  epochs: number;
  batchSize: number;
  backend: 'wasm' | 'cpu';
  json?: string;
}

/** Reads the command line. `--help` ends the process with status 0, a mistake with a message and status 2. */
export function parseFlags(args: readonly string[]): Flags {
  return new Command('npm run bench --')
    .description('Time of fit with the callback over the time of bare fit.')
    .exitOverride(({ exitCode }) => process.exit(exitCode === 0 ? 0 : 2))
    .showHelpAfterError('Run with --help to see every flag.')
    .option('--rounds <count>', 'measurements of each kind', positiveInteger, 20)
    .option('--epochs <count>', 'epochs of a measurement', positiveInteger, 3)
    .option('--batch-size <count>', 'rows in a batch', positiveInteger, 128)
    .addOption(
      new Option('--backend <name>', 'backend of TensorFlow.js').choices(['wasm', 'cpu']).default('wasm'),
    )
    .option('--json <file>', 'write every measurement there as well')
    .parse(args, { from: 'user' })
    .opts<Flags>();
}

function positiveInteger(text: string): number {
  const value = Number(text);
  if (Number.isInteger(value) && value > 0) return value;
  throw new InvalidArgumentError('Expected an integer from 1 up.');
}
