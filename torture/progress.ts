import { Presets, SingleBar } from 'cli-progress';

const NOT_TTY_INTERVAL_MS = 15_000;

/** A progress bar on stderr. */
export class Progress {
  readonly #bar: SingleBar;
  readonly #losses: () => number;

  constructor(name: string, total: number, losses: () => number) {
    this.#losses = losses;
    const format = `${name} {bar} {value} of {total} | {losses} lost | {duration_formatted}`;
    this.#bar = new SingleBar(
      { format, clearOnComplete: true, noTTYOutput: true, notTTYSchedule: NOT_TTY_INTERVAL_MS },
      Presets.shades_classic,
    );
    this.#bar.start(total, 0, { losses: 0 });
  }

  show(value: number): void {
    this.#bar.update(value, { losses: this.#losses() });
  }

  step(): void {
    this.#bar.increment(1, { losses: this.#losses() });
  }

  stop(): void {
    this.#bar.stop();
  }
}
