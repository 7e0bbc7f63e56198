import type { EntropyCheckpointError, EpochRecord } from 'tfjs-entropy-checkpoint';
import { preferredBackend } from './backends.js';
import { Charts } from './charts.js';
import { EXAMPLE } from './example-run.js';
import { showDigits } from './digits.js';
import { download } from './download.js';
import type { SettingsForm } from './form.js';
import { ceilingText } from './noise-ceiling.js';
import { keptText, problemText, restoredText, storageFailureText, storedRunText } from './messages.js';
import { showOutcome, type Stage } from './outcome.js';
import { button, element, setProse, setText } from './page.js';
import { Run, type Ending, type RunListener } from './run.js';
import type { Settings } from './settings.js';
import { findStoredRun, type StoredRun } from './stored-run.js';
import { epochNumber } from './text.js';
import { showValues } from './values-table.js';

const NO_EXPLANATION = 'The explanation appears once an epoch has ended.';

/** Runs one training after another, as the user asks for it, and shows each in the page. */
export class Session {
  readonly #form: SettingsForm;
  readonly #charts = new Charts();
  readonly #progress = element('progress', HTMLProgressElement);
  readonly #pause = button('pause', () => {
    this.#togglePause();
  });
  readonly #stop = button('stop', () => {
    this.#run?.stop();
  });
  readonly #restoreBest = button('restore', () => this.#attempt(() => this.#restore()));
  /** Buttons for a training that has ended. */
  readonly #resultButtons = [
    this.#restoreBest,
    button('download-model', () => this.#attempt(() => this.#downloadModel())),
    button('download-report', () => this.#attempt(() => this.#downloadReport())),
  ];
  readonly #continue = button('continue', () => this.#resume());
  #run: Run | null = null;
  #stored: StoredRun | null = null;
  /** Resolves when no action on a training that has ended is running. */
  #lastAttempt: Promise<void> = Promise.resolve();

  constructor(form: SettingsForm) {
    this.#form = form;
    this.#showExample();
  }

  /** Offers the training of an earlier visit, or the one that was just stopped. */
  async offerStoredRun(): Promise<void> {
    this.#stored = await findStoredRun().catch((error: unknown) => {
      setText('problem', problemText(error));
      return null;
    });
    const stored = this.#stored;
    element('stored-run', HTMLElement).hidden = stored === null;
    if (stored === null) return;
    setText('stored-run-text', storedRunText(stored));
    const isDone = stored.numEpochs >= stored.settings.epochs;
    this.#continue.textContent = isDone ? 'Open training' : 'Continue training';
  }

  start(settings: Settings): Promise<void> {
    return this.#train(() => Run.begin(settings, this.#listener));
  }

  async #resume(): Promise<void> {
    if (this.#stored === null) return;
    const { settings } = this.#stored;
    const { offered } = this.#form;
    const backend = offered.includes(settings.backend) ? settings.backend : preferredBackend(offered);
    this.#form.show({ ...settings, backend });
    await this.#train(() => Run.resume({ ...settings, backend }, this.#listener));
  }

  async #train(begin: () => Promise<Run>): Promise<void> {
    await this.#clear();
    let ending: Ending | null = null;
    try {
      const run = await begin();
      this.#run = run;
      this.#showEpochs(run, 'running');
      this.#enable({ form: false, training: true, results: false });
      // The button that was pressed is disabled or hidden by now.
      this.#pause.focus();
      ending = await run.train();
      this.#showEnding(run, ending);
    } catch (error) {
      setText('problem', problemText(error));
      setText('progress-text', 'Not training.');
      if (this.#run === null || this.#run.numEpochs === 0) this.#showExample();
      else this.#showEpochs(this.#run, 'over');
    }
    this.#finish();
    if (ending !== 'finished') await this.offerStoredRun();
  }

  async #clear(): Promise<void> {
    this.#enable({ form: false, training: false, results: false });
    element('stored-run', HTMLElement).hidden = true;
    setText('progress-text', 'Loading …');
    this.#progress.value = 0;
    // It uses the network that is disposed next.
    await this.#lastAttempt;
    for (const id of ['message', 'problem', 'stored-text']) setText(id, '');
    this.#run?.dispose();
    this.#run = null;
  }

  #finish(): void {
    const hadFocus = [this.#pause, this.#stop].some((one) => one === document.activeElement);
    this.#pause.textContent = 'Pause';
    setText('message', '');
    this.#enable({ form: true, training: false, results: this.#run?.best != null });
    if (hadFocus) this.#restoreBest.focus({ preventScroll: true });
  }

  readonly #listener: RunListener = {
    onBatch: (epoch, batches, batchesPerEpoch) => {
      const { epochs } = this.#run!.settings;
      this.#progress.max = epochs;
      this.#progress.value = epoch + batches / batchesPerEpoch;
      if (batches % 5 !== 0 && batches !== batchesPerEpoch) return;
      setText('progress-text', `Epoch ${epoch + 1} of ${epochs} · batch ${batches} of ${batchesPerEpoch}`);
    },
    onEpoch: () => {
      this.#showEpochs(this.#run!, 'running');
    },
    onPaused: () => {
      setText('message', 'Paused.');
    },
    onStored: (best: EpochRecord) => {
      setText('problem', '');
      setText('stored-text', `Epoch ${epochNumber(best)} is stored in this browser.`);
    },
    onStorageFailure: (error: EntropyCheckpointError) => {
      setText('problem', storageFailureText(error));
    },
  };

  /** What a training will show, until one does. */
  #showExample(): void {
    const { history, best, ceiling } = EXAMPLE;
    this.#isExample = true;
    this.#charts.show(EXAMPLE);
    setProse('explanation', NO_EXPLANATION);
    showOutcome(history.at(-1) ?? null, best, { stage: 'over', isAveraged: false });
    setText('ceiling-text', ceilingText(ceiling));
  }

  set #isExample(isExample: boolean) {
    element('example-text', HTMLElement).hidden = !isExample;
    element('results', HTMLElement).classList.toggle('example', isExample);
  }

  #showEpochs(run: Run, stage: Stage): void {
    const { history, best, settings, ceiling } = run;
    this.#isExample = false;
    this.#charts.show({ history, best, ceiling, ...settings });
    showValues(history, best);
    showDigits(run);
    showOutcome(history.at(-1) ?? null, best, { stage, isAveraged: settings.averageWeights });
    setText('ceiling-text', ceilingText(ceiling));
    setText('kept-text', best === null ? '' : keptText(best, settings, stage));
    setProse('explanation', history.length === 0 ? NO_EXPLANATION : run.explanation);
  }

  #showEnding(run: Run, ending: Ending): void {
    const { epochs } = run.settings;
    this.#progress.max = epochs;
    this.#progress.value = run.numEpochs;
    setText(
      'progress-text',
      ending === 'finished'
        ? `Finished: ${epochs} epochs.`
        : `Stopped after ${run.numEpochs} of ${epochs} epochs.`,
    );
    this.#showEpochs(run, 'over');
  }

  #togglePause(): void {
    const run = this.#run;
    if (run === null) return;
    if (run.isPaused) run.unpause();
    else run.pause();
    this.#pause.textContent = run.isPaused ? 'Resume' : 'Pause';
    // The current batch ends first.
    setText('message', run.isPaused ? 'Pausing …' : '');
  }

  async #restore(): Promise<void> {
    setText('message', restoredText(await this.#run!.restoreBest()));
  }

  async #downloadModel(): Promise<void> {
    await this.#run!.downloadModel();
    setText(
      'message',
      'The kept epoch is in two files, the model.json and its weights, which tf.loadLayersModel reads.',
    );
  }

  async #downloadReport(): Promise<void> {
    download('entropy-checkpoint-report.html', await this.#run!.report(), 'text/html');
    setText('message', 'The report is one HTML page without scripts.');
  }

  /** One action at a time: each restores weights into the network. */
  #attempt(action: () => Promise<void>): Promise<void> {
    this.#lastAttempt = this.#lastAttempt.then(async () => {
      setText('problem', '');
      try {
        await action();
      } catch (error) {
        setText('problem', problemText(error));
      }
    });
    return this.#lastAttempt;
  }

  #enable(parts: { form: boolean; training: boolean; results: boolean }): void {
    this.#form.isEnabled = parts.form;
    for (const one of [this.#pause, this.#stop]) showIf(one, parts.training);
    for (const one of this.#resultButtons) showIf(one, parts.results);
  }
}

function showIf(one: HTMLButtonElement, isUsable: boolean): void {
  one.disabled = !isUsable;
  one.hidden = !isUsable;
}
