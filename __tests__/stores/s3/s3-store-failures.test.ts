import { describe, expect, it, jest } from '@jest/globals';
import { EntropyCheckpointError } from '../../../src/errors.js';
import type { CheckpointSlot, SlotUpdate } from '../../../src/stores/store.js';
import { indexedNames } from '../../support/indexed-names.js';
import { seededRandom } from '../../support/seeded-random.js';
import { IS_THOROUGH } from '../../support/thorough.js';
import { FakeS3, s3Error, type Intercept, type S3Request } from './fixtures/fake-s3.js';

// Small shards, so that a checkpoint of several is cheap.
const actual = await import('../../../src/stores/store.js');
jest.unstable_mockModule('../../../src/stores/store.js', () => ({ ...actual, SHARD_BYTES: 1500 }));
const { S3Store } = await import('../../../src/stores/s3/s3-store.js');
const { checkpointOfStep, stepOf } = await import('../fixtures/checkpoints.js');

/** Makes six shards, more than are uploaded at a time. The second shard of a step equals the first of the next step. */
const SIZE_FLOATS = 700;
const UPDATE: SlotUpdate = { into: ['best', 'last'], keep: ['epoch-2'] };

type Contents = Readonly<Partial<Record<CheckpointSlot, number>>>;
const BEFORE: Contents = { best: 1, last: 2, 'epoch-1': 3, 'epoch-2': 4 };
const AFTER: Contents = { best: 5, last: 5, 'epoch-2': 4 };

/** Each has its own client, as if in another process. */
const storeOf = (s3: FakeS3, intercept?: Intercept) =>
  new S3Store({ client: s3.client(intercept), bucket: 'bucket', prefix: 'a' });

async function prepared(): Promise<FakeS3> {
  const s3 = new FakeS3();
  const slots = Object.keys(BEFORE) as CheckpointSlot[];
  const store = storeOf(s3);
  for (const slot of slots) {
    await store.save(checkpointOfStep(BEFORE[slot]!, SIZE_FLOATS), { into: [slot], keep: slots });
  }
  return s3;
}

async function storedContents(s3: FakeS3): Promise<Contents> {
  const found: Partial<Record<CheckpointSlot, number>> = {};
  const store = storeOf(s3);
  for (const slot of await store.slots()) {
    found[slot] = (await stepOf(await store.load(slot), SIZE_FLOATS)) ?? NaN;
  }
  return found;
}

/** What the names in the bucket must be, by what the index says. */
function neededNames(s3: FakeS3): string[] {
  return indexedNames(new TextDecoder().decode(s3.objects.get('a/entropy-checkpoint.json')!.bytes));
}

/** Expects that each file for other programs is the manifest that the index names. */
function expectCopies(s3: FakeS3, found: Contents): void {
  for (const slot of Object.keys(found)) {
    const copy = s3.objects.get(slot === 'best' ? 'a/model.json' : `a/model.${slot}.json`)!;
    const text = new TextDecoder().decode(copy.bytes);
    expect(text).toContain(`"step":${found[slot as CheckpointSlot]!}`);
  }
}

type Outcome = EntropyCheckpointError | null;
const outcomeOf = (action: Promise<unknown>): Promise<Outcome> =>
  action.then(
    () => null,
    (error: unknown) => {
      if (!(error instanceof EntropyCheckpointError)) throw error;
      return error;
    },
  );

describe('a request that fails', () => {
  /** Runs `act` with the first request failing, then with the second, and so on. */
  async function eachFault(
    fail: (request: S3Request, perform: () => object) => object,
    fromThenOn: boolean,
    act: (s3: FakeS3, intercept: Intercept) => Promise<Outcome>,
    check: (s3: FakeS3, outcome: Outcome) => Promise<void>,
  ): Promise<number> {
    let refusals = 0;
    for (let at = 1; ; at++) {
      const s3 = await prepared();
      let requests = 0;
      const outcome = await act(s3, (request, perform) => {
        requests++;
        return (fromThenOn ? requests < at : requests !== at) ? perform() : fail(request, perform);
      });
      if (requests < at) return refusals;
      if (outcome !== null) refusals++;
      await check(s3, outcome);
    }
  }

  const before = () => {
    throw s3Error('SlowDown', 503);
  };
  const after = (_request: S3Request, perform: () => object) => {
    perform();
    throw s3Error('TimeoutError', 0);
  };
  /** The first answer is lost, the client sends the request again, and its condition is no longer met. */
  const retried = ({ method, input }: S3Request, perform: () => object) => {
    const answer = perform();
    if (method !== 'Put' || (input['IfMatch'] === undefined && input['IfNoneMatch'] === undefined))
      return answer;
    throw s3Error('PreconditionFailed', 412);
  };
  const refused = ({ method }: S3Request, perform: () => object) => {
    if (method !== 'Put') return perform();
    throw s3Error('PreconditionFailed', 412);
  };

  it.each([
    ['503, before its effect', before, false],
    ['a timeout, after its effect', after, false],
    ['412 after its effect, as the client sent it twice', retried, false],
    ['412 without a reason', refused, false],
    ['503, and so does every later one', before, true],
  ] as const)('during a save leaves every slot old or new: %s', async (_name, fail, fromThenOn) => {
    const refusals = await eachFault(
      fail,
      fromThenOn,
      async (s3, intercept) => {
        const store = storeOf(s3, intercept);
        const outcome = await outcomeOf(store.save(checkpointOfStep(5, SIZE_FLOATS), UPDATE));
        store.close();
        await store.slots().catch(() => undefined);
        return outcome;
      },
      async (s3, outcome) => {
        const found = await storedContents(s3);
        if (outcome === null) {
          expect(found).toEqual(AFTER);
          expectCopies(s3, found);
        } else {
          expect(['ENTROPY_STORE_FAILED', 'ENTROPY_STORE_IN_USE']).toContain(outcome.code);
          expect([BEFORE, AFTER]).toContainEqual(found);
        }
        // The next training finds all of it, once the lease has ended, and leaves nothing else.
        s3.elapsedMs += 100_000;
        const next = storeOf(s3);
        await next.open();
        expect(await storedContents(s3)).toEqual(found);
        expectCopies(s3, found);
        expect(s3.names('a/').sort()).toEqual(neededNames(s3));
        await next.save(checkpointOfStep(6, SIZE_FLOATS), UPDATE);
        next.close();
        expect(await storedContents(s3)).toEqual({ best: 6, last: 6, 'epoch-2': 4 });
        expect(s3.names('a/').sort()).toEqual(neededNames(s3));
      },
    );
    if (fail === before) expect(refusals).toBeGreaterThan(10);
    if (fail === refused || fail === retried) expect(refusals).toBe(0);
  });

  it.each([
    ['503', before],
    ['a timeout, after its effect', after],
  ] as const)('is followed by a save of the same training that comes through: %s', async (_name, fail) => {
    const refusals = await eachFault(
      fail,
      false,
      async (s3, intercept) => {
        const store = storeOf(s3, intercept);
        const opening = await outcomeOf(store.open());
        if (opening !== null) await storeOf(s3).slots();
        const outcome = await outcomeOf(store.save(checkpointOfStep(5, SIZE_FLOATS), UPDATE));
        if (outcome !== null) {
          expect([BEFORE, AFTER]).toContainEqual(await storedContents(s3));
          // A writer without `open` has left the lease to its end.
          if (opening !== null) s3.elapsedMs += 100_000;
          await store.save(checkpointOfStep(5, SIZE_FLOATS), UPDATE);
        }
        expect(await storedContents(s3)).toEqual(AFTER);
        const next = await outcomeOf(store.save(checkpointOfStep(8, SIZE_FLOATS), UPDATE));
        if (next !== null) await store.save(checkpointOfStep(8, SIZE_FLOATS), UPDATE);
        store.close();
        await store.slots().catch(() => undefined);
        return outcome;
      },
      async (s3) => {
        const found = await storedContents(s3);
        expect(found).toEqual({ best: 8, last: 8, 'epoch-2': 4 });
        expectCopies(s3, found);
      },
    );
    expect(refusals).toBeGreaterThan(5);
  });

  it('while reading rejects, or is read again', async () => {
    const refusals = await eachFault(
      before,
      false,
      (s3, intercept) =>
        outcomeOf(
          storeOf(s3, intercept)
            .load('best')
            .then(async (stored) => {
              expect(await stepOf(stored, SIZE_FLOATS)).toBe(1);
            }),
        ),
      async (s3, outcome) => {
        if (outcome !== null) expect(outcome.code).toBe('ENTROPY_STORE_FAILED');
        expect(await storedContents(s3)).toEqual(BEFORE);
      },
    );
    expect(refusals).toBeGreaterThan(5);
  });
});

describe('two writers at random', () => {
  /** Trainings that begin, save, fall silent, are taken over and wake again, over a network that loses and delays. */
  async function run(seed: number): Promise<void> {
    const random = seededRandom(seed);
    const s3 = new FakeS3();
    /** The step of each manifest, by its key. */
    const stepOfManifest = new Map<string, number>();
    /** The step in `best` after each write of the index that came through. */
    const committed: (number | null)[] = [];
    const watch = ({ method, key, input }: S3Request): void => {
      if (method !== 'Put') return;
      const text = new TextDecoder().decode(input['Body'] as Uint8Array);
      const step = /"step":(\d+)/.exec(text)?.[1];
      if (key.startsWith('a/manifest.')) stepOfManifest.set(key, Number(step));
      if (key !== 'a/entropy-checkpoint.json') return;
      const name = /"best":\{"manifest":"([^"]+)"/.exec(text)?.[1];
      committed.push(name === undefined ? null : stepOfManifest.get(`a/${name}`)!);
    };
    const network: Intercept = async (request, perform) => {
      const luck = random();
      if (luck < 0.02) throw s3Error('SlowDown', 503);
      // Requests overtake each other.
      for (let turns = Math.floor(random() * 6); turns > 0; turns--) await new Promise(setImmediate);
      const answer = perform();
      watch(request);
      if (luck > 0.98) throw s3Error('TimeoutError', 0);
      return answer;
    };
    const outcomes = new Map<number, Outcome>();
    let steps = 0;
    const train = async (): Promise<void> => {
      const store = storeOf(s3, network);
      if ((await outcomeOf(store.open())) !== null) return;
      for (let saves = 0; saves < 4; saves++) {
        // It falls silent for so long that the other may take over.
        if (random() < 0.3) s3.elapsedMs += 100_000;
        const step = ++steps;
        const source = checkpointOfStep(step, SIZE_FLOATS);
        outcomes.set(step, await outcomeOf(store.save(source, { into: ['best'], keep: [] })));
      }
      // A crash doesn't close.
      if (random() < 0.5) store.close();
    };
    const writer = async (): Promise<void> => {
      for (let trainings = 0; trainings < 4; trainings++) await train();
    };
    let isOver = false;
    const reads = new Set<number>();
    const reader = async (): Promise<void> => {
      while (!isOver) {
        // `stepOf` compares every byte: nothing is mixed.
        const found = await stepOf(await storeOf(s3).load('best'), SIZE_FLOATS);
        if (found !== null) reads.add(found);
      }
    };
    const reading = reader();
    await Promise.all([writer(), writer()]);
    isOver = true;
    await reading;

    s3.elapsedMs += 100_000;
    const last = storeOf(s3);
    await last.open();
    const found = await storedContents(s3);
    expect(found.best ?? null).toBe(committed.at(-1) ?? null);
    expectCopies(s3, found);
    expect(s3.names('a/').sort()).toEqual(neededNames(s3));
    last.close();

    for (const [step, outcome] of outcomes) {
      if (outcome === null) expect(committed).toContain(step);
      // Whoever learns that another has taken over has committed nothing since.
      if (outcome?.code === 'ENTROPY_STORE_IN_USE') takenOver++;
    }
    for (const step of reads) expect(committed).toContain(step);
  }

  let takenOver = 0;
  const seeds = Array.from({ length: IS_THOROUGH ? 300 : 15 }, (_, i) => i + 1);
  it.each(seeds)('lose nothing and mix nothing: seed %p', async (seed) => {
    await run(seed);
  });

  it('have taken each other over', () => {
    expect(takenOver).toBeGreaterThan(10);
  });
});
