import assert from 'node:assert/strict';
import { once } from 'node:events';
import { loadCheckpoint } from 'tfjs-entropy-checkpoint';

/**
 * Trains in several threads or processes at once: each into its own folder, and two into one.
 *
 * @param start starts one: `(filepath, waits) => worker`, which sends what `train-into-folder.js` says.
 * @param tell sends something to a worker.
 * @param failure the event of a worker that fails.
 * @param refusal what the error for the second in a folder says.
 */
export async function trainSideBySide({ start, tell, failure, refusal }) {
  /** What a worker sends when its training has ended. */
  const outcomeOf = (worker) =>
    new Promise((resolve, reject) => {
      worker.on('message', (message) => {
        if (!message.begun) resolve(message);
      });
      worker.on(failure, reject);
    });

  const folders = ['checkpoints/a', 'checkpoints/b'];
  const outcomes = await Promise.all(folders.map((folder) => outcomeOf(start(folder, false))));
  for (const [i, { epoch }] of outcomes.entries()) {
    const { record } = await loadCheckpoint(folders[i]);
    assert.equal(record.epoch, epoch);
  }

  const first = start('checkpoints/both', true);
  await once(first, 'message'); // its training has begun
  const { code, message } = await outcomeOf(start('checkpoints/both', false));
  assert.equal(code, 'ENTROPY_STORE_IN_USE');
  assert.match(message, refusal);
  tell(first);
  const { epoch } = await outcomeOf(first);
  assert.equal((await loadCheckpoint('checkpoints/both')).record.epoch, epoch);
}
