/**
 * Trains a grid of networks on noisy labels through a queue, and compares them. `npm run sweep -- --help` lists the flags,
 * and README.md says how it works.
 */
import { parseFlags } from './flags.js';

const args = process.argv.slice(2);
const flags = parseFlags(args);
// What follows takes seconds to load. `--help` and a wrong flag are answered by now.
const { run } = await import('./run.js');
await run(flags, args);
