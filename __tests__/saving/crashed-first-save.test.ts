import { randomUUID } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import seedrandom from 'seedrandom';
import { withStoredEpoch } from '../../src/saving/load-stored.js';
import { FileStore } from '../../src/stores/file/file-store.js';
import { SimulatedDisk } from '../stores/fixtures/simulated-disk.js';
import { interceptCalls } from '../stores/fixtures/intercepted-file-system.js';
import { expectNoTensorsLeft } from '../support/fixtures.js';
import { epochOf, SaverTraining } from '../support/saver-training.js';
import { IS_THOROUGH } from '../support/thorough.js';

const FOLDER = `/simulated-${randomUUID()}/checkpoint`;
/** The serials of the newer training's epochs begin here. */
const NEWER = 100;

beforeEach(() => {
  jest.spyOn(console, 'warn').mockImplementation(() => undefined);
});

afterEach(() => {
  jest.restoreAllMocks();
});

type Options = NonNullable<ConstructorParameters<typeof SaverTraining>[1]>;

async function train(disk: FileStore, values: readonly number[], options: Options, firstSerial: number) {
  const training = new SaverTraining(disk, options);
  training.firstSerial = firstSerial;
  await training.saver.open();
  for (const value of values) await training.endEpoch(value);
  await training.saver.flush().catch(() => undefined);
  training.saver.dispose();
}

/** A disk on which an older training is stored. Its best epoch is 1 of 4. */
async function olderOn(options: Options): Promise<SimulatedDisk> {
  const disk = new SimulatedDisk(FOLDER);
  await train(new FileStore(FOLDER, disk), [1, 3, 2, 0], options, 0);
  return disk;
}

/** What a process finds: the serial of what is resumed and loaded, after comparing records with states. */
async function findings(disk: SimulatedDisk, options: Options): Promise<Record<string, string>> {
  const found: Record<string, string> = {};
  const load = async (name: string, epoch: number | 'last' | undefined): Promise<void> => {
    found[name] = await withStoredEpoch(new FileStore(FOLDER, disk), epoch, async ({ state, record }) => {
      expect(record.logs['serial']).toBe(await epochOf(state));
      return String(record.logs['serial']);
    }).catch((error: unknown) => (error as { code: string }).code);
  };
  await load('best', undefined);
  await load('last', 'last');
  for (const epoch of [0, 1, 2]) await load(`epoch ${epoch}`, epoch);
  // It completes a save that was cut short, so it comes last.
  const training = new SaverTraining(new FileStore(FOLDER, disk), options);
  const { record, state } = await training.resume();
  expect(record?.logs['serial']).toBe(state);
  const serials = training.selector.history.map(({ logs }) => logs['serial']!);
  found['resume'] = `${serials.join()}, best ${training.selector.best?.logs['serial'] ?? 'none'}`;
  for (const kept of training.selector.kept) {
    expect(await training.load(kept, false)).toBe(kept.logs['serial']);
  }
  return found;
}

const SEVERAL: Options = { maxToKeep: 2, saveLast: true };

describe.each<[string, Options, Options]>([
  ['both keep several epochs and the latest', SEVERAL, SEVERAL],
  ['only the older one keeps the latest', { saveLast: true }, {}],
  ['only the newer one keeps the latest', { maxToKeep: 2 }, { saveLast: true }],
  ['only the older one keeps several', SEVERAL, { saveLast: true }],
])('a crash at any moment of the first save of a new training: %s', (name, older, newer) => {
  const OLDER_WHOLE = older.saveLast === true ? '0,1,2,3, best 1' : /^0,1(?:,2)?, best 1$/;
  const NEWER_WHOLE = `${NEWER}, best ${NEWER}`;

  /** The older training is there as before, or the newer one; and what is loaded is of the same one. */
  async function expectOneWhole(disk: SimulatedDisk, before: Record<string, string>): Promise<string> {
    const found = await findings(disk, newer);
    const { resume, ...loaded } = found;
    if (resume === NEWER_WHOLE) {
      // What isn't there yet is refused, and never that of the older one.
      expect(loaded['best']).toBe(String(NEWER));
      for (const one of Object.values(loaded))
        expect([String(NEWER), 'ENTROPY_NO_CHECKPOINT']).toContain(one);
      return 'newer';
    }
    expect(resume).toMatch(OLDER_WHOLE);
    expect(loaded).toEqual(before);
    return 'older';
  }

  it('a power failure after each call leaves the older one whole, or the newer', () =>
    expectNoTensorsLeft(async () => {
      const seen = new Map<string, number>();
      const known = new Set<string>();
      for (let seed = 0; seed < (IS_THOROUGH ? 12 : 1); seed++) {
        const random = seedrandom(`${name} ${seed}`);
        const disk = await olderOn(older);
        const { resume, ...before } = await findings(disk.afterPowerFailure(random), newer);
        expect(resume).toMatch(OLDER_WHOLE);
        const states: SimulatedDisk[] = [];
        disk.afterCall = () => {
          for (let i = 0; i < (IS_THOROUGH ? 4 : 2); i++) states.push(disk.afterPowerFailure(random));
        };
        await train(new FileStore(FOLDER, disk), [5], newer, NEWER);
        disk.afterCall = () => undefined;
        for (const state of states) {
          if (known.has(state.fingerprint)) continue;
          known.add(state.fingerprint);
          const result = await expectOneWhole(state, before);
          seen.set(result, (seen.get(result) ?? 0) + 1);
        }
      }
      expect([...seen.keys()].sort()).toEqual(['newer', 'older']);
      if (IS_THOROUGH) expect([...seen.values()].reduce((a, b) => a + b)).toBeGreaterThan(50);
    }));

  it('a kill before each call leaves the older one whole, or the newer', () =>
    expectNoTensorsLeft(async () => {
      const seen = new Set<string>();
      let isKilled = true;
      for (let killed = 0; isKilled; killed += IS_THOROUGH ? 1 : 9) {
        const disk = await olderOn(older);
        const { resume, ...before } = await findings(
          disk.afterPowerFailure(() => 0.99),
          newer,
        );
        expect(resume).toMatch(OLDER_WHOLE);
        let calls = 0;
        isKilled = false;
        const fileSystem = interceptCalls(disk, (_call, perform) => {
          if (calls++ < killed) return perform();
          isKilled = true;
          return Promise.reject(new Error('killed'));
        });
        await train(new FileStore(FOLDER, fileSystem), [5], newer, NEWER).catch(() => undefined);
        seen.add(await expectOneWhole(disk, before));
      }
      expect([...seen].sort()).toEqual(['newer', 'older']);
    }));
});
