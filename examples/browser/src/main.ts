import * as tf from '@tensorflow/tfjs';
import { offeredBackends, preferredBackend } from './backends.js';
import { SettingsForm } from './form.js';
import { problemText } from './messages.js';
import { setText } from './page.js';
import { Session } from './session.js';

async function main(): Promise<void> {
  const form = new SettingsForm((settings) => void session.start(settings));
  const session = new Session(form);
  const backends = await offeredBackends();
  // Enough to read what is stored.
  await tf.setBackend('cpu');
  await session.offerStoredRun();
  form.offer(backends, preferredBackend(backends));
  setText('progress-text', 'Ready to start.');
}

main().catch((error: unknown) => {
  setText('problem', problemText(error));
});
