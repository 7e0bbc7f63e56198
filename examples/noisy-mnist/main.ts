/**
 * Trains a network on images with wrong labels, keeps one epoch, loads it in a new process, and compares it with the other
 * epochs on clean test data. `npm start -- --help` lists the flags.
 */
import { parseFlags } from './flags.js';

const args = process.argv.slice(2);
const flags = parseFlags(args);
// TensorFlow.js takes seconds to load. `--help` and a wrong flag are answered by now.
const { run } = await import('./run.js');
await run(flags, args);
