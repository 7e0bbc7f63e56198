import { fork, type ChildProcess } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { cellId, type Cell } from '../grid.js';
import type { Trajectory } from '../trajectories.js';

/** What a worker sends back for a cell. */
type Reply = { readonly trajectory: Trajectory } | { readonly error: string };

const WORKER = fileURLToPath(new URL('worker.ts', import.meta.url));

/**
 * Trains all cells in child processes, one cell at a time in each.
 *
 * @param record called with each trajectory when its training has ended.
 * @throws Error of the first process that failed, once all processes have ended.
 */
export async function runGrid(
  cells: readonly Cell[],
  processes: number,
  record: (trajectory: Trajectory) => void,
): Promise<void> {
  let next = 0;
  const runProcess = async (): Promise<void> => {
    const worker = startTrainer();
    try {
      while (next < cells.length) {
        const cell = cells[next++]!;
        record(await train(worker, cell));
      }
    } finally {
      // After a failure, the other processes start no further cell.
      next = cells.length;
      worker.kill();
    }
  };
  const ended = await Promise.allSettled(Array.from({ length: processes }, runProcess));
  const failed = ended.find(({ status }) => status === 'rejected');
  if (failed !== undefined) throw (failed as PromiseRejectedResult).reason;
}

/** Starts a process that trains one cell at a time. The caller ends it. */
export function startTrainer(): ChildProcess {
  return fork(WORKER, { execArgv: process.execArgv });
}

/** @throws Error if the training or the process fails. */
export async function train(worker: ChildProcess, cell: Cell): Promise<Trajectory> {
  const reply = await new Promise<Reply>((resolve) => {
    const onExit = (code: number | null): void => {
      resolve({ error: `the worker process exited with ${code ?? 'a signal'}` });
    };
    worker.once('exit', onExit);
    worker.once('message', (message) => {
      worker.off('exit', onExit);
      resolve(message as Reply);
    });
    worker.send(cell);
  });
  if ('error' in reply) throw new Error(`${cellId(cell)}: ${reply.error}`);
  return reply.trajectory;
}
