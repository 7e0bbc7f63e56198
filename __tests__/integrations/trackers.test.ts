import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import * as tf from '@tensorflow/tfjs';
import { EntropyCheckpointCallback } from 'tfjs-entropy-checkpoint';
import { trainWithMlflow } from '../../examples/integrations/mlflow-run.js';
import { writeHistory } from '../../examples/integrations/wandb-history.js';
import { disposeModel, expectNoTensorsLeft, weightValues } from '../support/fixtures.js';
import { MlflowStandIn, type StoredRun } from './fixtures/mlflow-stand-in.js';
import { makeData, makeModel } from './fixtures/training.js';

const ROOT = resolve(import.meta.dirname, '../..');
const TOKEN = 'a-secret-token';
const start = process.cwd();
let folder = '';
let server: MlflowStandIn;
let url = '';
let warn: jest.SpiedFunction<typeof console.warn>;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'entropy-checkpoint-trackers-'));
  process.chdir(folder);
  process.env['MLFLOW_TRACKING_TOKEN'] = TOKEN;
  warn = jest.spyOn(console, 'warn').mockImplementation(() => undefined);
  server = new MlflowStandIn();
  url = await server.listen();
});

afterEach(async () => {
  await server.close();
  jest.restoreAllMocks();
  delete process.env['MLFLOW_TRACKING_TOKEN'];
  process.chdir(start);
  rmSync(folder, { recursive: true, force: true });
});

interface Trained {
  readonly checkpoint: EntropyCheckpointCallback;
  readonly weights: number[][];
  /** What was printed about MLflow. */
  readonly printed: string;
}

/** Trains as the example does, and frees everything. */
async function train(options: { url?: string; timeoutMs?: number } = {}): Promise<Trained> {
  let trained: Trained | undefined;
  await expectNoTensorsLeft(async () => {
    const model = makeModel();
    const { x, y } = makeData();
    // `fit` shuffles by `Math.random`.
    jest.spyOn(Math, 'random').mockImplementation(() => 0.5);
    const checkpoint = await trainWithMlflow(model, x, y, { url, experimentId: '0', ...options });
    const printed = warn.mock.calls
      .flat()
      .map(String)
      .filter((text) => text.startsWith('MLflow'))
      .join('\n');
    trained = { checkpoint, weights: weightValues(model), printed };
    checkpoint.dispose();
    tf.dispose([x, y]);
    disposeModel(model);
  });
  return trained!;
}

async function urlOfNoServer(): Promise<string> {
  const closed = new MlflowStandIn();
  const itsUrl = await closed.listen();
  await closed.close();
  return itsUrl;
}

function onlyRun(): StoredRun {
  const runs = [...server.runs.values()];
  expect(runs).toHaveLength(1);
  return runs[0]!;
}

const valuesOf = (run: StoredRun, name: string) =>
  run.metrics.filter(({ key }) => key === name).map(({ step, value }) => [step, value]);

function expectEveryEpoch({ history }: EntropyCheckpointCallback): void {
  const run = onlyRun();
  expect(history).toHaveLength(5);
  expect(valuesOf(run, 'val_acc')).toEqual(history.map(({ epoch, logs }) => [epoch, logs['val_acc']]));
  expect(valuesOf(run, 'entropy')).toEqual(history.map(({ epoch, entropy }) => [epoch, entropy]));
  expect(valuesOf(run, 'val_entropy')).toEqual(history.map(({ epoch, valEntropy }) => [epoch, valEntropy]));
}

describe('the MLflow example, with a stand-in for its server', () => {
  test('logs every epoch, and which one is kept', async () => {
    const { checkpoint, printed } = await train();
    expect(server.refusals).toEqual([]);
    expectEveryEpoch(checkpoint);
    const run = onlyRun();
    expect(run.tags).toEqual({ best_epoch: String(checkpoint.best!.epoch) });
    expect(run.status).toBe('FINISHED');
    expect(run.endTime).toBeGreaterThanOrEqual(run.startTime);
    expect(printed).toBe('');
  });

  test('sends the token of the environment, and prints it nowhere', async () => {
    server.answer = (index) => (index < 2 ? 'error' : 'right');
    const log = jest.spyOn(console, 'log').mockImplementation(() => undefined);
    await train();
    expect(new Set(server.authorizations)).toEqual(new Set([`Bearer ${TOKEN}`]));
    expect([...warn.mock.calls, ...log.mock.calls].flat().join()).not.toContain(TOKEN);
    delete process.env['MLFLOW_TRACKING_TOKEN'];
    server.authorizations.length = 0;
    await train();
    expect(new Set(server.authorizations)).toEqual(new Set([undefined]));
  });

  test.each([
    ['create', 0],
    ['log-batch', 1],
  ])('sends again what a server in trouble has not taken: runs/%s', async (what, firstInTrouble) => {
    server.answer = (index) => (index >= firstInTrouble && index < firstInTrouble + 2 ? 'error' : 'right');
    const { checkpoint, printed } = await train();
    expect(printed).toContain(`runs/${what} was answered with status 500. Training continues.`);
    expectEveryEpoch(checkpoint);
    expect(onlyRun().status).toBe('FINISHED');
  });

  test.each([
    ['answers with errors', () => Promise.resolve({ answer: 'error' as const })],
    ['never answers', () => Promise.resolve({ answer: 'none' as const, timeoutMs: 20 })],
    ['is not there', async () => ({ answer: 'error' as const, url: await urlOfNoServer() })],
  ])('trains the same where the server %s', async (_name, inTrouble) => {
    const right = await train();
    const { answer, ...options } = await inTrouble();
    server.answer = () => answer;
    const { checkpoint, weights, printed } = await train(options);
    expect(weights).toEqual(right.weights);
    expect(checkpoint.history).toEqual(right.checkpoint.history);
    expect(printed).toContain('Training continues.');
  });

  test('a training that fails ends its run', async () => {
    const model = makeModel();
    const { x, y } = makeData();
    const wrong = tf.zeros([80, 7]);
    await expect(trainWithMlflow(model, x, wrong, { url, experimentId: '0' })).rejects.toThrow();
    expect(onlyRun().status).toBe('FAILED');
    tf.dispose([x, y, wrong]);
    disposeModel(model);
  });
});

describe('the Weights & Biases example', () => {
  test('writes a line of JSON for each epoch, and marks the kept one', async () => {
    await expectNoTensorsLeft(async () => {
      const model = makeModel();
      const { x, y } = makeData();
      const checkpoint = new EntropyCheckpointCallback({ filepath: null });
      await model.fit(x, y, { epochs: 3, validationSplit: 0.2, verbose: 0, callbacks: checkpoint });
      await writeHistory('history.jsonl', checkpoint);
      const { history, best } = checkpoint;
      const lines = readFileSync('history.jsonl', 'utf8').trimEnd().split('\n');
      expect(lines.map((line) => JSON.parse(line) as unknown)).toEqual(
        history.map(({ epoch, entropy, trainEntropy, valEntropy, logs }) => ({
          epoch,
          ...logs,
          entropy,
          train_entropy: trainEntropy,
          val_entropy: valEntropy,
          is_kept: epoch === best!.epoch,
        })),
      );
      checkpoint.dispose();
      tf.dispose([x, y]);
      disposeModel(model);
    });
  });

  test('the page shows the script that imports them', () => {
    const page = readFileSync(join(ROOT, 'docs/integrations.md'), 'utf8');
    const script = readFileSync(join(ROOT, 'examples/integrations/wandb_import.py'), 'utf8');
    expect(page.includes(`\`\`\`python\n${script}\`\`\``)).toBe(true);
  });
});
