import * as tf from '@tensorflow/tfjs';
import { offeredBackends, preferredBackend, useBackend } from './backends.js';
import { prefetchDigits } from './data.js';
import { SettingsForm } from './form.js';
import { problemText } from './messages.js';
import { setText } from './page.js';
import { Session } from './session.js';

async function main(): Promise<void> {
  const form = new SettingsForm((settings) => void session.start(settings));
  const session = new Session(form);
  prefetchDigits();
  const backends = await offeredBackends();
  const preferred = preferredBackend(backends);
  // Loaded now, so that a training starts at once. To read what is stored, any backend will do.
  await useBackend(preferred).catch(() => tf.setBackend('cpu'));
  await session.offerStoredRun();
  form.offer(backends, preferred);
  setText('progress-text', 'Ready to start.');
}

main().catch((error: unknown) => {
  setText('problem', problemText(error));
});
