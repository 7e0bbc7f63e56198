import * as tf from '@tensorflow/tfjs';
import { EntropyCheckpointCallback, type EpochRecord } from 'tfjs-entropy-checkpoint';

export interface MlflowServer {
  /** The tracking server, such as `http://localhost:5000`. */
  readonly url: string;
  /** Every server has an experiment `'0'`. */
  readonly experimentId: string;
  /** How long it may take to answer, in milliseconds. @default 10000 */
  readonly timeoutMs?: number;
}

interface Metric {
  readonly key: string;
  readonly value: number;
  readonly timestamp: number;
  readonly step: number;
}

/** Trains, and logs every epoch to MLflow. Training neither waits for the server nor fails with it. */
export async function trainWithMlflow(
  model: tf.LayersModel,
  x: tf.Tensor,
  y: tf.Tensor,
  server: MlflowServer,
): Promise<EntropyCheckpointCallback> {
  const checkpoint = new EntropyCheckpointCallback({ monitor: 'val_acc', filepath: 'mlflow-training' });
  const run = new MlflowRun(server);
  const logger = new tf.CustomCallback({
    onEpochEnd: () => {
      run.log(checkpoint.history.at(-1)!);
    },
  });
  let status: 'FINISHED' | 'FAILED' = 'FAILED';
  try {
    await model.fit(x, y, { epochs: 5, validationSplit: 0.2, callbacks: checkpoint.with(logger) });
    status = 'FINISHED';
  } finally {
    await run.end(status, checkpoint.best);
  }
  return checkpoint;
}

/** A run of MLflow, created with the first request. What couldn't be sent is sent again with the next epoch. */
class MlflowRun {
  readonly #server: MlflowServer;
  readonly #startTime = Date.now();
  #id: string | undefined;
  readonly #unsent: Metric[] = [];
  /** One request at a time. Never rejects. */
  #sending: Promise<void> = Promise.resolve();

  constructor(server: MlflowServer) {
    this.#server = server;
  }

  log({ epoch, entropy, trainEntropy, valEntropy, logs }: EpochRecord): void {
    const values = { ...logs, entropy, train_entropy: trainEntropy, val_entropy: valEntropy };
    const timestamp = Date.now();
    for (const [key, value] of Object.entries(values)) {
      // NaN and Infinity are not JSON.
      if (Number.isFinite(value)) this.#unsent.push({ key, value: value!, timestamp, step: epoch });
    }
    this.#enqueue(() => this.#sendMetrics());
  }

  /** Resolves when the server has answered, or hasn't in time. */
  end(status: 'FINISHED' | 'FAILED', best: EpochRecord | null): Promise<void> {
    this.#enqueue(async () => {
      await this.#sendMetrics();
      const tags = best === null ? [] : [{ key: 'best_epoch', value: String(best.epoch) }];
      await this.#post('log-batch', { run_id: this.#id, tags });
      await this.#post('update', { run_id: this.#id, status, end_time: Date.now() });
    });
    return this.#sending;
  }

  #enqueue(send: () => Promise<void>): void {
    this.#sending = this.#sending.then(send).catch((error: unknown) => {
      console.warn(`MLflow: ${String(error)}. Training continues.`);
    });
  }

  async #sendMetrics(): Promise<void> {
    this.#id ??= await this.#create();
    while (this.#unsent.length > 0) {
      const metrics = this.#unsent.slice(0, 1000); // the most that one request may hold
      await this.#post('log-batch', { run_id: this.#id, metrics });
      this.#unsent.splice(0, metrics.length);
    }
  }

  async #create(): Promise<string> {
    const { experimentId } = this.#server;
    const created = await this.#post('create', { experiment_id: experimentId, start_time: this.#startTime });
    return (created as { run: { info: { run_id: string } } }).run.info.run_id;
  }

  async #post(what: 'create' | 'log-batch' | 'update', body: object): Promise<unknown> {
    const { url, timeoutMs = 10_000 } = this.#server;
    const token = process.env['MLFLOW_TRACKING_TOKEN'];
    const response = await fetch(`${url}/api/2.0/mlflow/runs/${what}`, {
      method: 'POST',
      headers: {
        'Content-Type': 'application/json',
        ...(token === undefined ? {} : { Authorization: `Bearer ${token}` }),
      },
      body: JSON.stringify(body),
      signal: AbortSignal.timeout(timeoutMs),
    });
    if (!response.ok) throw new Error(`runs/${what} was answered with status ${response.status}`);
    return response.json();
  }
}
