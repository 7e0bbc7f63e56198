import { element } from './page.js';
import { PRESETS, type BackendName, type PresetName, type Settings } from './settings.js';
import { percent } from './text.js';

/** The form in which the user sets the options of a training. */
export class SettingsForm {
  readonly #form = element('form', HTMLFormElement);
  readonly #fields = element('fields', HTMLFieldSetElement);
  readonly #noise = element('noise', HTMLInputElement);
  readonly #preset = element('preset', HTMLSelectElement);
  readonly #monitor = element('monitor', HTMLSelectElement);
  readonly #averageWeights = element('average-weights', HTMLInputElement);
  readonly #epochs = element('epochs', HTMLInputElement);
  readonly #startFromEpoch = element('start-from-epoch', HTMLInputElement);
  readonly #backend = element('backend', HTMLSelectElement);
  readonly #seed = element('seed', HTMLInputElement);
  readonly #start = element('start', HTMLButtonElement);

  constructor(onStart: (settings: Settings) => void) {
    for (const name of Object.keys(PRESETS) as PresetName[])
      this.#preset.add(new Option(describe(name), name));
    this.#noise.addEventListener('input', () => {
      this.#showNoise();
    });
    for (const input of [this.#epochs, this.#startFromEpoch]) {
      input.addEventListener('input', () => {
        this.#checkStartFromEpoch();
      });
    }
    this.#form.addEventListener('submit', (event) => {
      event.preventDefault();
      onStart(this.#read());
    });
    this.#showNoise();
  }

  offer(backends: readonly BackendName[], preferred: BackendName): void {
    this.#backend.replaceChildren(...backends.map((name) => new Option(name, name)));
    this.#backend.value = preferred;
    this.#start.disabled = false;
  }

  get offered(): BackendName[] {
    return Array.from(this.#backend.options, ({ value }) => value as BackendName);
  }

  set isEnabled(isEnabled: boolean) {
    this.#fields.disabled = !isEnabled;
  }

  show(settings: Settings): void {
    this.#noise.value = String(settings.noise);
    this.#preset.value = settings.preset;
    this.#monitor.value = settings.monitor;
    this.#averageWeights.checked = settings.averageWeights;
    this.#epochs.value = String(settings.epochs);
    this.#startFromEpoch.value = String(settings.startFromEpoch + 1);
    this.#backend.value = settings.backend;
    this.#seed.value = String(settings.seed);
    this.#showNoise();
    this.#checkStartFromEpoch();
  }

  #read(): Settings {
    return {
      backend: this.#backend.value as BackendName,
      preset: this.#preset.value as PresetName,
      noise: this.#noise.valueAsNumber,
      epochs: this.#epochs.valueAsNumber,
      monitor: this.#monitor.value as Settings['monitor'],
      averageWeights: this.#averageWeights.checked,
      startFromEpoch: this.#startFromEpoch.valueAsNumber - 1,
      seed: this.#seed.valueAsNumber,
    };
  }

  #showNoise(): void {
    element('noise-value', HTMLOutputElement).value = percent(this.#noise.valueAsNumber, 0);
  }

  #checkStartFromEpoch(): void {
    const leavesNone = this.#startFromEpoch.valueAsNumber > this.#epochs.valueAsNumber;
    this.#startFromEpoch.setCustomValidity(
      leavesNone ? `Enter at most ${this.#epochs.value}. Otherwise no epoch can be kept.` : '',
    );
  }
}

function describe(name: PresetName): string {
  return `${name}: ${PRESETS[name].trainImages.toLocaleString('en')} digits`;
}
