import { writeFile } from 'node:fs/promises';
import type { CheckpointAccess } from 'tfjs-entropy-checkpoint';

/** Writes a line of JSON for each epoch, which `wandb_import.py` sends to Weights & Biases. */
export async function writeHistory(path: string, { history, best }: CheckpointAccess): Promise<void> {
  const lines = history.map((record) => {
    const { epoch, entropy, trainEntropy, valEntropy, logs } = record;
    const values = { ...logs, entropy, train_entropy: trainEntropy, val_entropy: valEntropy };
    return JSON.stringify({ epoch, ...values, is_kept: record === best }); // NaN becomes null
  });
  await writeFile(path, lines.map((line) => `${line}\n`).join(''));
}
