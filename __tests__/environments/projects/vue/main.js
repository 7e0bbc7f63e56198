// Trains in a component whose `data()` holds the checkpoint, and renders the epochs.
import assert from 'node:assert/strict';
import * as tf from '@tensorflow/tfjs';
import { EntropyCheckpointCallback, MemoryStore, loadCheckpoint } from 'tfjs-entropy-checkpoint';
import { computed, createSSRApp, isProxy, markRaw, reactive, ref, shallowRef } from 'vue';
import { renderToString } from 'vue/server-renderer';

const x = tf.randomUniform([60, 4], 0, 1, 'float32', 1);
const y = tf.oneHot(tf.argMax(tf.slice2d(x, [0, 0], [60, 3]), 1), 3);
const FIT = { epochs: 3, validationSplit: 0.2, verbose: 0 };

function makeModel() {
  const model = tf.sequential({
    layers: [tf.layers.dense({ inputShape: [4], units: 3, activation: 'softmax' })],
  });
  model.compile({ optimizer: tf.train.adam(0.1), loss: 'categoricalCrossentropy' });
  return model;
}

const weightsOf = (model) => model.getWeights().map((weight) => Array.from(weight.dataSync()));

let trained;
const html = await renderToString(
  createSSRApp({
    data: () => ({
      checkpoint: new EntropyCheckpointCallback({ filepath: new MemoryStore(), monitor: 'val_loss' }),
      model: markRaw(makeModel()),
      epochs: [],
      best: null,
    }),
    computed: {
      losses() {
        return this.epochs.map(({ logs }) => logs.val_loss);
      },
    },
    async serverPrefetch() {
      const show = {
        onEpochEnd: () => {
          this.epochs.push(this.checkpoint.history.at(-1));
          this.best = this.checkpoint.best;
          if (this.best === this.epochs.at(-1)) trained = weightsOf(this.model);
        },
      };
      await this.model.fit(x, y, { ...FIT, callbacks: this.checkpoint.with(show) });
      const { epoch } = await this.checkpoint.loadCheckpoint();
      assert.equal(epoch, this.best.epoch);
      assert.deepEqual(weightsOf(this.model), trained);
      assert.equal(isProxy(this.checkpoint), false);
    },
    template: '<p>{{ losses.length }} epochs</p><p>{{ best.epoch }} is kept</p>',
  }),
);
assert.match(html, /3 epochs.*[0-2] is kept/);

// In state of other kinds.
for (const wrap of [
  (one) => ref(one).value,
  (one) => reactive({ one }).one,
  (one) => shallowRef(one).value,
]) {
  const checkpoint = wrap(new EntropyCheckpointCallback({ filepath: null }));
  const numEpochs = ref(0);
  const doubled = computed(() => 2 * numEpochs.value);
  const count = { onEpochEnd: () => void numEpochs.value++ };
  await makeModel().fit(x, y, { ...FIT, callbacks: checkpoint.with(count) });
  await checkpoint.loadCheckpoint();
  assert.equal(doubled.value, 2 * checkpoint.history.length);
}

// TensorFlow.js itself can't train a model in deep reactive state. The package says so, before anything is trained.
const store = new MemoryStore();
const stored = new EntropyCheckpointCallback({ filepath: store, saveLast: true });
await makeModel().fit(x, y, { ...FIT, callbacks: stored });
for (const wrap of [(model) => ref(model).value, (model) => reactive({ model }).model]) {
  const model = wrap(makeModel());
  const checkpoint = new EntropyCheckpointCallback({ filepath: store });
  const uses = [
    () => model.fit(x, y, { ...FIT, callbacks: checkpoint }),
    () => checkpoint.resume(model),
    () => loadCheckpoint(store, { model }),
  ];
  for (const use of uses) {
    await assert.rejects(use, { code: 'ENTROPY_UNSUPPORTED_MODEL', message: /`shallowRef\(model\)`/ });
  }
}

const what = 'the checkpoint in data(), ref and reactive; a model in deep state is refused';
process.stdout.write(`${JSON.stringify({ ok: true, what })}\n`);
