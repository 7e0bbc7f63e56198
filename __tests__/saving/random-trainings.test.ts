import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import fc from 'fast-check';
import { withFirstWhole } from '../../src/saving/read-checkpoints.js';
import { withStoredEpoch } from '../../src/saving/load-stored.js';
import type { CheckpointSlot } from '../../src/stores/store.js';
import { FaultyStore, type Fault } from '../support/faulty-store.js';
import { expectNoTensorsLeft } from '../support/fixtures.js';
import { epochOf, SaverTraining } from '../support/saver-training.js';
import { IS_THOROUGH } from '../support/thorough.js';
import { TrainingModel, type ModelEpoch, type ModelOptions } from '../support/training-model.js';
import { turns } from '../support/until.js';

const NUM_RUNS = Number(process.env['SEQUENCES'] ?? (IS_THOROUGH ? 5000 : 300));

beforeEach(() => {
  jest.spyOn(console, 'warn').mockImplementation(() => undefined);
});

afterEach(() => {
  jest.restoreAllMocks();
});

type Step =
  | { readonly do: 'epoch'; readonly value: number }
  | { readonly do: 'fault'; readonly fault: Fault | null }
  | { readonly do: 'delay'; readonly delay: number }
  | { readonly do: 'pause'; readonly turns: number }
  | { readonly do: 'flush' | 'flush later' | 'load best' | 'load last' | 'close' | 'look' }
  | { readonly do: 'load kept'; readonly position: number }
  | { readonly do: 'new training' | 'resume'; readonly isKilled: boolean }
  | { readonly do: 'another training'; readonly value: number };

const number = (max: number): fc.Arbitrary<number> => fc.nat({ max });
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 8, arbitrary: number(4).map((value) => ({ do: 'epoch' as const, value })) },
  {
    weight: 2,
    arbitrary: fc
      .constantFrom<Fault | null>(null, null, 'early', 'late', 'stored')
      .map((fault) => ({ do: 'fault' as const, fault })),
  },
  { weight: 1, arbitrary: number(3).map((delay) => ({ do: 'delay' as const, delay })) },
  { weight: 2, arbitrary: number(20).map((count) => ({ do: 'pause' as const, turns: count })) },
  {
    weight: 5,
    arbitrary: fc
      .constantFrom<'flush' | 'flush later' | 'load best' | 'load last' | 'close' | 'look'>(
        'flush',
        'flush later',
        'load best',
        'load last',
        'close',
        'look',
      )
      .map((name) => ({ do: name })),
  },
  { weight: 1, arbitrary: number(2).map((position) => ({ do: 'load kept' as const, position })) },
  { weight: 1, arbitrary: fc.boolean().map((isKilled) => ({ do: 'new training' as const, isKilled })) },
  { weight: 2, arbitrary: fc.boolean().map((isKilled) => ({ do: 'resume' as const, isKilled })) },
  { weight: 1, arbitrary: number(4).map((value) => ({ do: 'another training' as const, value })) },
);

const sequence = fc.record({
  options: fc.record(
    {
      maxToKeep: fc.constantFrom(1, 2, 3, Infinity),
      keepEvery: fc.integer({ min: 1, max: 3 }),
      saveLast: fc.boolean(),
      initialThreshold: fc.constantFrom(-1, 1),
    },
    { requiredKeys: ['maxToKeep', 'saveLast', 'initialThreshold'] },
  ),
  steps: fc.array(step, { minLength: 3, maxLength: 25 }),
});

/** What was seen in all sequences: otherwise a search could miss what it is about. */
const seen = new Map<string, number>();

function saw(what: string): void {
  seen.set(what, (seen.get(what) ?? 0) + 1);
}

const codeOf = (error: unknown): string => (error as { code?: string }).code ?? String(error);

/** A training. The newest has the largest number: also one that another training had replaced, once it stores again. */
interface Numbered {
  number: number;
}

/** Trains with random interruptions, and compares what is stored and loaded with the model. */
class Scenario {
  readonly #store = new FaultyStore();
  readonly #options: ModelOptions;
  #training: SaverTraining;
  #model: TrainingModel;
  /** Every epoch of all trainings, and in which it ran. */
  readonly #epochs = new Map<number, ModelEpoch & { readonly training: Numbered }>();
  #numSerials = 0;
  #numTrainings = 0;
  #current: Numbered = { number: 0 };
  /** Whether another training has stored since this one had the store open. */
  #isReplaced = false;
  /** Whether only a best epoch may be stored, as another training is. */
  #isOfOther = false;
  /** Whether the store holds what nobody has asked to remove yet. */
  #hasLeftovers = false;
  /** The epochs that another training has replaced. */
  readonly #lost = new Set<number>();
  /** What was safely stored as the best, and must not be lost. */
  #safe: number | null = null;
  /** Whether a save may have failed after it had stored everything: then it's stored again. */
  #isUncertain = false;
  readonly #flushes: Promise<unknown>[] = [];

  constructor(options: ModelOptions) {
    this.#options = options;
    this.#model = new TrainingModel(options);
    this.#training = this.#start();
  }

  async run(steps: readonly Step[]): Promise<void> {
    for (const one of steps) await this.#perform(one);
    this.#store.fault = null;
    await this.#flush();
    await this.#end(false);
    await this.#look();
  }

  async #perform(one: Step): Promise<void> {
    switch (one.do) {
      case 'epoch':
        return this.#endEpoch(one.value);
      case 'fault':
        this.#store.fault = one.fault;
        this.#isUncertain ||= one.fault === 'stored';
        return;
      case 'delay':
        this.#store.delay = one.delay;
        return;
      case 'pause':
        return turns(one.turns);
      case 'flush':
        return this.#flush();
      case 'flush later':
        this.#flushes.push(this.#training.saver.flush().catch(codeOf));
        return;
      case 'close':
        this.#training.saver.close();
        return;
      case 'look':
        await this.#look();
        return;
      case 'load best':
        return this.#load(this.#training.selector.best?.logs['serial'], true);
      case 'load last':
        return this.#loadLast();
      case 'load kept':
        return this.#load(this.#training.selector.kept[one.position]?.logs['serial'], false);
      case 'new training':
        await this.#end(one.isKilled);
        await this.#look();
        this.#model = new TrainingModel(this.#options);
        this.#training = this.#start();
        return;
      case 'resume':
        await this.#end(one.isKilled);
        return this.#resume();
      case 'another training':
        return this.#trainAnother(one.value);
    }
  }

  #start(): SaverTraining {
    this.#current = { number: 0 };
    this.#isReplaced = false;
    return new SaverTraining(this.#store, this.#options);
  }

  async #open(): Promise<void> {
    if (this.#training.saver.isOpen) return;
    const isNew = this.#current.number === 0;
    const contents = await this.#contents();
    await this.#training.saver.open();
    if (this.#isReplaced) this.#becomeNewest();
    if (!isNew) return;
    this.#current.number = ++this.#numTrainings;
    this.#isOfOther = contents.size > 0;
    if (this.#isOfOther) saw('new training beside another');
  }

  #becomeNewest(): void {
    this.#isReplaced = false;
    this.#isOfOther = true;
    this.#current.number = ++this.#numTrainings;
    saw('replaced by another training');
  }

  async #endEpoch(value: number): Promise<void> {
    await this.#open();
    const serial = this.#numSerials++;
    this.#training.firstSerial = serial - this.#training.selector.history.length;
    const added = this.#model.add(serial, value);
    this.#epochs.set(serial, { ...added, training: this.#current });
    const record = await this.#training.endEpoch(value);
    expect(record.isBest).toBe(added.isBest);
    if (added.isBest) this.#hasLeftovers = false;
  }

  /** Resolves exactly when everything that is wanted is stored. */
  async #flush(): Promise<void> {
    const { fault } = this.#store;
    const outcome = await this.#training.saver.flush().then(() => 'ok', codeOf);
    const contents = await this.#contents();
    const wanted = this.#wanted;
    const isStored = [...wanted].every(([slot, serial]) => contents.get(slot) === serial);
    const isLost = [...wanted.values()].some((serial) => this.#lost.has(serial));
    saw(`flush: ${outcome}${isLost ? ', with what is lost' : ''}`);
    if (isLost) return;
    if (outcome !== 'ok') expect(fault).not.toBeNull();
    if (outcome === 'ok') expect(isStored).toBe(true);
    if (!this.#isUncertain && isStored) expect(outcome).toBe('ok');
    if (outcome === 'ok') this.#isUncertain = fault === 'stored';
    if (outcome === 'ok' && !this.#hasLeftovers && wanted.size > 0) expect(contents).toEqual(wanted);
    if (outcome === 'ok' && wanted.has('best')) {
      this.#safe = wanted.get('best')!;
      this.#isOfOther = false;
    }
  }

  get #wanted(): Map<CheckpointSlot, number> {
    return this.#model.wanted(this.#isOfOther);
  }

  /** The state that is loaded is that of the record, and the one that was asked for. */
  async #load(serial: number | undefined, orNextBest: boolean): Promise<void> {
    if (serial === undefined) return;
    const record = this.#training.selector.history.find(({ logs }) => logs['serial'] === serial)!;
    let loaded: number | null = null;
    const found = await this.#training.saver
      .withState(record, orNextBest, async (state) => {
        loaded = await epochOf(state);
      })
      .catch(codeOf);
    saw(`load: ${typeof found === 'string' ? found : 'ok'}`);
    if (typeof found === 'string' || found === null) {
      expect(this.#lost.has(serial)).toBe(true);
      expect(found).toBe('ENTROPY_CHECKPOINT_REPLACED');
      return;
    }
    expect(found.logs['serial']).toBe(loaded);
    expect(loaded).toBe(serial);
  }

  async #loadLast(): Promise<void> {
    const last = this.#training.selector.last;
    if (last === null || !this.#options.saveLast || !this.#wanted.has('last')) return;
    await this.#load(last.logs['serial'], false);
  }

  /** @param isKilled whether nothing is written any more. */
  async #end(isKilled: boolean): Promise<void> {
    const { fault } = this.#store;
    if (isKilled) this.#store.fault = 'early';
    this.#training.saver.dispose();
    await this.#training.saver.flush();
    await Promise.all(this.#flushes.splice(0));
    this.#store.fault = fault;
    this.#lost.clear();
  }

  async #resume(): Promise<void> {
    const contents = await this.#look();
    const held = [...contents].map(([slot, serial]) => ({ slot, ...this.#epochs.get(serial)! }));
    const newest = Math.max(...held.map(({ training }) => training.number));
    const own = held.filter(({ training }) => training.number === newest);
    this.#training = this.#start();
    const { record, state } = await this.#training.resume();
    saw(record === null ? 'resume: nothing' : 'resume: ok');
    if (record === null) {
      expect(held).toEqual([]);
      this.#model = new TrainingModel(this.#options);
      return;
    }
    const latest = own.reduce((a, b) => (b.epoch > a.epoch ? b : a));
    expect({ record: record.logs['serial'], state }).toEqual({ record: latest.serial, state: latest.serial });
    const history = this.#training.selector.history.map(({ logs }) => this.#epochs.get(logs['serial']!)!);
    expect(history.map(({ epoch }) => epoch)).toEqual(history.map((_, i) => i));
    const isPeriodic = ({ slot }: (typeof own)[number]): boolean => slot.startsWith('periodic-');
    const ranked = own.filter((one) => one.isBest || (one.slot !== 'last' && !isPeriodic(one)));
    const epochsOf = (held: typeof own): ModelEpoch[] =>
      [...new Set(held.map(({ serial }) => serial))].map((serial) => this.#epochs.get(serial)!);
    const periodic = own.filter(isPeriodic);
    if (periodic.length > 0) saw('resume: periodic');
    this.#model = new TrainingModel(this.#options, history, epochsOf(ranked), epochsOf(periodic));
    expect(this.#training.selector.best?.logs['serial']).toBe(this.#model.best?.serial);
    this.#current = latest.training;
    this.#isOfOther = false;
    this.#hasLeftovers = true;
  }

  /** Another instance trains in the same store. It's refused while this one has it open. */
  async #trainAnother(value: number): Promise<void> {
    await Promise.all(this.#flushes.splice(0));
    const { fault } = this.#store;
    this.#store.fault = null;
    const other = new SaverTraining(this.#store);
    const serial = this.#numSerials;
    other.firstSerial = serial;
    const opened = await other.saver.open().then(() => 'ok', codeOf);
    expect(opened).toBe(this.#training.saver.isOpen ? 'ENTROPY_STORE_IN_USE' : 'ok');
    if (opened === 'ok') {
      for (const lost of (await this.#contents()).values()) this.#lost.add(lost);
      this.#numSerials++;
      const added = { serial, epoch: 0, value, isBest: true, training: { number: ++this.#numTrainings } };
      this.#epochs.set(serial, added);
      await other.endEpoch(value);
      await other.saver.flush();
      this.#safe = serial;
      this.#isReplaced = this.#current.number > 0;
    }
    other.saver.dispose();
    this.#store.fault = fault;
  }

  /** The serial in each slot, after comparing every record with its state. */
  async #contents(): Promise<Map<CheckpointSlot, number>> {
    const found = new Map<CheckpointSlot, number>();
    for (const slot of await this.#store.slots()) {
      await withFirstWhole(this.#store, [slot], async ({ record, state }) => {
        expect(record.logs['serial']).toBe(await epochOf(state));
        expect(record.value).toBe(this.#epochs.get(record.logs['serial']!)?.value);
        found.set(slot, record.logs['serial']!);
      });
    }
    // `flush` has opened the store.
    const isStored = (serial: number): boolean =>
      this.#epochs.get(serial)!.training === this.#current && !this.#lost.has(serial);
    if (this.#isReplaced && [...found.values()].some(isStored)) this.#becomeNewest();
    return found;
  }

  /** Looks at the store as another process does. What was safely stored, or what replaces it, must be there. */
  async #look(): Promise<Map<CheckpointSlot, number>> {
    const contents = await this.#contents();
    const best = await withStoredEpoch(this.#store, undefined, async ({ record, state }) => {
      expect(record.logs['serial']).toBe(await epochOf(state));
      return record.logs['serial']!;
    }).catch(codeOf);
    if (this.#safe === null) return contents;
    const safe = this.#epochs.get(this.#safe)!;
    const stored = this.#epochs.get(best as number);
    expect(stored).toBeDefined();
    // Of the same training, only a better one replaces it; a newer training does with its first best.
    if (stored!.training === safe.training) expect(stored!.value).toBeGreaterThanOrEqual(safe.value);
    else expect(stored!.training.number).toBeGreaterThan(safe.training.number);
    return contents;
  }
}

describe('random trainings', () => {
  it(`store and load what a model of a few lines says (${NUM_RUNS} sequences)`, async () => {
    const property = fc.asyncProperty(sequence, async ({ options, steps }) => {
      await expectNoTensorsLeft(() => new Scenario(options).run(steps));
    });
    const seed = Number(process.env['SEED'] ?? (IS_THOROUGH ? 2 : 1));
    await fc.assert(property, { numRuns: NUM_RUNS, seed });
    for (const what of [
      'replaced by another training',
      'new training beside another',
      'flush: ok',
      'flush: ENTROPY_STORE_FAILED',
      'load: ok',
      'load: ENTROPY_CHECKPOINT_REPLACED',
      'resume: ok',
      'resume: nothing',
      'resume: periodic',
    ]) {
      expect({ what, count: seen.get(what) ?? 0 }).not.toEqual({ what, count: 0 });
    }
  }, 1_200_000);
});
