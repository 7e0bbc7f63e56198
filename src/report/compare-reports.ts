import { loadCode } from '../platform/load-code.js';
import type { ComparedTraining } from './check-trainings.js';
import type { CheckpointJson } from './checkpoint-json.js';
import type { ComparisonOptions } from './comparison.js';

/**
 * A page that compares trainings, such as the same one with five seeds: what each of them kept, the means, and the curves
 * on common axes. It stays below a few MB however long the trainings were.
 *
 * @example
 * const trainings = files.map((file) => ({ name: file, ...JSON.parse(readFileSync(file, 'utf8')) }));
 * await writeFile('comparison.html', await compareReports(trainings, { title: 'Five seeds' }));
 * @param trainings 1 to 24 checkpoints of this process, their `toJSON()`, which another process may have written to a
 *   file, or objects with a `history`. An object may have a `name`.
 * @returns a self-contained HTML page: it needs no script and no other file.
 * @throws EntropyCheckpointError `ENTROPY_INVALID_ARGUMENT`, `ENTROPY_INVALID_OPTION`, `ENTROPY_CODE_NOT_LOADED`.
 */
export async function compareReports(
  trainings: readonly ({ toJSON(): CheckpointJson } | ComparedTraining)[],
  options?: ComparisonOptions,
): Promise<string> {
  const { comparison } = await loadCode(import('./comparison.js'));
  return comparison(trainings, options);
}
