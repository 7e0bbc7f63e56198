import { fork, type ChildProcess } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { cellId, type Cell } from '../grid.js';
import type { Signals } from '../signals.js';
import type { Trajectory } from '../trajectories.js';

/** What a worker answers. */
type Answer = { readonly signals: Signals } | { readonly error: string };

const WORKER = fileURLToPath(new URL('worker.ts', import.meta.url));

/**
 * Trains all cells, as many at a time as there are processes.
 *
 * @param record is given each as it is finished.
 * @throws Error of the first that failed, when no process is left.
 */
export async function runGrid(
  cells: readonly Cell[],
  processes: number,
  record: (trajectory: Trajectory) => void,
): Promise<void> {
  let next = 0;
  const runProcess = async (): Promise<void> => {
    const worker = fork(WORKER, { execArgv: process.execArgv });
    try {
      while (next < cells.length) {
        const cell = cells[next++]!;
        record({ cell, signals: await train(worker, cell) });
      }
    } finally {
      // The others need not go on after a failure.
      next = cells.length;
      worker.kill();
    }
  };
  const ended = await Promise.allSettled(Array.from({ length: processes }, runProcess));
  const failed = ended.find(({ status }) => status === 'rejected');
  if (failed !== undefined) throw (failed as PromiseRejectedResult).reason;
}

async function train(worker: ChildProcess, cell: Cell): Promise<Signals> {
  const answer = await new Promise<Answer>((resolve) => {
    const onExit = (code: number | null): void => {
      resolve({ error: `its process ended with ${code ?? 'a signal'}` });
    };
    worker.once('exit', onExit);
    worker.once('message', (message) => {
      worker.off('exit', onExit);
      resolve(message as Answer);
    });
    worker.send(cell);
  });
  if ('error' in answer) throw new Error(`${cellId(cell)}: ${answer.error}`);
  return answer.signals;
}
