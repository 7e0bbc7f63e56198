import * as tf from '@tensorflow/tfjs';
import { useEffect, useRef, useState } from 'react';
import { EntropyCheckpointCallback, type EpochRecord } from 'tfjs-entropy-checkpoint';

export interface TrainingProps {
  /** Returns a new, compiled model; the component disposes it. Pass the same function, `x` and `y` in every render. */
  readonly makeModel: () => tf.LayersModel;
  readonly x: tf.Tensor;
  readonly y: tf.Tensor;
  readonly epochs: number;
  /** Called when the model holds the best epoch. The model is disposed when the component unmounts. */
  readonly onTrained?: (model: tf.LayersModel) => void;
}

interface TrainingView {
  readonly epochs: readonly EpochRecord[];
  readonly best: EpochRecord | null;
  readonly status: string;
}

/** Trains while it is mounted. Shows the epochs, and marks the kept one. */
export function Training(props: TrainingProps) {
  const { epochs, best, status } = useTraining(props);
  return (
    <section aria-label="Training">
      <p role="status">{status}</p>
      <table>
        <thead>
          <tr>
            <th scope="col">epoch</th>
            <th scope="col">entropy</th>
            <th scope="col">state</th>
          </tr>
        </thead>
        <tbody>
          {epochs.map(({ epoch, entropy }) => (
            <tr key={epoch}>
              <th scope="row">{epoch}</th>
              <td>{entropy?.toFixed(4)}</td>
              <td>{epoch === best?.epoch ? 'kept' : ''}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}

function useTraining({ makeModel, x, y, epochs, onTrained }: TrainingProps): TrainingView {
  const [view, setView] = useState<TrainingView>({ epochs: [], best: null, status: 'training' });
  // One training at a time: the next begins when the previous one has released the lock of `filepath`.
  const previous = useRef<Promise<void>>(Promise.resolve());

  useEffect(() => {
    const unmounted = new AbortController();
    const { signal } = unmounted;
    const show = (next: Partial<TrainingView>) => {
      if (!signal.aborted) setView((current) => ({ ...current, ...next }));
    };

    async function train(): Promise<void> {
      const model = makeModel();
      const checkpoint = new EntropyCheckpointCallback({ filepath: 'react-training' });
      const showEpochs = new tf.CustomCallback({
        onEpochEnd: () => {
          show({ epochs: [...checkpoint.history], best: checkpoint.best });
        },
      });
      try {
        show({ epochs: [], best: null, status: 'training' });
        await model.fit(x, y, {
          epochs,
          validationSplit: 0.2,
          callbacks: [checkpoint, showEpochs, new StopWhenAborted(signal)],
        });
        if (!signal.aborted) {
          const { epoch } = await checkpoint.loadCheckpoint();
          show({ status: `trained; the model holds epoch ${epoch}` });
          onTrained?.(model);
        }
        await aborted(signal);
      } finally {
        checkpoint.dispose();
        model.dispose();
      }
    }

    // StrictMode unmounts the first mount at once, before its training begins.
    const training = previous.current.then(() => (signal.aborted ? undefined : train()));
    previous.current = training.catch((error: unknown) => {
      show({ status: `failed: ${String(error)}` });
    });
    return () => {
      unmounted.abort();
    };
  }, [makeModel, x, y, epochs, onTrained]);

  return view;
}

/** Ends `fit` after the current batch. A class, as `tf.CustomCallback` with a function reads `logs` in every batch. */
class StopWhenAborted extends tf.Callback {
  readonly #signal: AbortSignal;

  constructor(signal: AbortSignal) {
    super();
    this.#signal = signal;
  }

  override onBatchEnd(): Promise<void> {
    if (this.#signal.aborted) this.model.stopTraining = true;
    return Promise.resolve();
  }
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else
      signal.addEventListener(
        'abort',
        () => {
          resolve();
        },
        { once: true },
      );
  });
}
