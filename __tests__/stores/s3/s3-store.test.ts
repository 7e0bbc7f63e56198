import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import type { CheckpointSlot, SlotUpdate } from '../../../src/stores/store.js';
import type { S3StoreOptions } from '../../../src/stores/s3/s3-store.js';
import { rejection, thrownBy } from '../../support/errors.js';
import { until } from '../../support/until.js';
import { FakeS3, s3Error, type Intercept, type S3Request } from './fixtures/fake-s3.js';

// Small shards, so that a checkpoint of several is cheap.
const actual = await import('../../../src/stores/store.js');
jest.unstable_mockModule('../../../src/stores/store.js', () => ({ ...actual, SHARD_BYTES: 1500 }));
const { S3Store } = await import('../../../src/stores/s3/s3-store.js');
const { checkpointOfStep, stepOf } = await import('../fixtures/checkpoints.js');

const SIZE_FLOATS = 300;
const INTO_BEST: SlotUpdate = { into: ['best'], keep: [] };
const INDEX = 'a/entropy-checkpoint.json';

const now = performance.now.bind(performance);
let s3: FakeS3;
const opened: { close(): void }[] = [];

beforeEach(() => {
  s3 = new FakeS3();
});

afterEach(() => {
  for (const store of opened.splice(0)) store.close();
  jest.restoreAllMocks();
});

type Store = InstanceType<typeof S3Store>;

/** Each has its own client, as if in another process. */
function makeStore(intercept?: Intercept, more: Partial<S3StoreOptions> = {}): Store {
  const store = new S3Store({ client: s3.client(intercept), bucket: 'bucket', prefix: 'a', ...more });
  opened.push(store);
  return store;
}

const save = (store: Store, step: number, update = INTO_BEST) =>
  store.save(checkpointOfStep(step, SIZE_FLOATS), update);

async function stored(): Promise<Partial<Record<CheckpointSlot, number>>> {
  const store = makeStore();
  const steps: Partial<Record<CheckpointSlot, number>> = {};
  for (const slot of await store.slots()) steps[slot] = (await stepOf(await store.load(slot), SIZE_FLOATS))!;
  return steps;
}

const writesOf = (requests: readonly S3Request[]) => requests.filter(({ method }) => method === 'Put');
const nameOf = ({ key }: S3Request) => key.replace(/[0-9a-f]{16}/, 'HASH');

/** For the store, and for the clock by which a holder knows how old its last write is. */
const letTimePass = (seconds: number) => {
  s3.elapsedMs += seconds * 1000;
  jest.spyOn(performance, 'now').mockImplementation(() => now() + s3.elapsedMs);
};

describe('a save', () => {
  it('writes what no slot names, then the index, then the files for others, model.json last', async () => {
    const store = makeStore();
    await store.open();
    await save(store, 1, { into: ['best', 'last'], keep: [] });
    const before = s3.requests.length;
    const etags = new Map([...s3.objects].map(([key, { etag }]) => [key, etag]));
    await save(store, 2, { into: ['best', 'last'], keep: [] });
    const writes = writesOf(s3.requests.slice(before));
    expect(writes.map(nameOf)).toEqual([
      // The second shard of a step is the first of the next.
      'a/weights.HASH.bin',
      'a/weights.HASH.bin',
      'a/manifest.HASH.json',
      INDEX,
      'a/model.last.json',
      'a/model.json',
    ]);
    for (const { key, input } of writes) {
      if (/HASH|[0-9a-f]{16}/.test(key)) expect(input['IfNoneMatch']).toBe('*');
      else expect(input['IfMatch']).toBe(etags.get(key));
    }
    expect(s3.objects.get('a/model.json')!.bytes).toEqual(s3.objects.get('a/model.last.json')!.bytes);
  });

  it('writes a shard that is there already no second time, and removes those that no slot names', async () => {
    const store = makeStore();
    await store.open();
    await save(store, 1);
    const before = s3.requests.length;
    // One of its three shards is of step 1.
    await save(store, 2);
    const shards = writesOf(s3.requests.slice(before)).filter(({ key }) => key.includes('weights'));
    expect(shards).toHaveLength(2);
    expect(s3.names('a/').filter((name) => name.startsWith('weights.'))).toHaveLength(3);
    expect(s3.names('a/').filter((name) => name.startsWith('manifest.'))).toHaveLength(1);
    expect(await stored()).toEqual({ best: 2 });
  });

  it('touches no object of another name, nor under a longer or another prefix', async () => {
    const other = { bytes: new Uint8Array([1]), etag: '"other"', lastModified: new Date() };
    const keys = [
      'a/notes.txt',
      'a/b/weights.0123456789abcdef.bin',
      'weights.0123456789abcdef.bin',
      'ab/model.json',
    ];
    for (const key of keys) s3.objects.set(key, other);
    const store = makeStore();
    await store.open();
    await save(store, 1);
    await save(store, 2);
    for (const key of keys) expect(s3.objects.get(key)).toBe(other);
  });

  it('returns the slots that someone has emptied, and stores them anew', async () => {
    const store = makeStore();
    await store.open();
    await save(store, 1, { into: ['best'], keep: [] });
    await save(store, 4, { into: ['last'], keep: ['best'] });
    s3.objects.delete(`a/${s3.names('a/').find((name) => name.startsWith('weights.'))!}`);
    const lost = await save(store, 9, { into: ['epoch-1'], keep: ['best', 'last'] });
    expect(lost).toEqual(['best']);
    expect(await stored()).toEqual({ last: 4, 'epoch-1': 9 });
    s3.objects.clear();
    expect(await save(store, 7, { into: ['best'], keep: ['last', 'epoch-1'] })).toEqual(['last', 'epoch-1']);
    expect(await stored()).toEqual({ best: 7 });
  });

  it('leaves nothing behind but what the index names, after a failure too', async () => {
    const failing = makeStore(({ key }, perform) => {
      if (key === 'a/model.json') throw s3Error('InternalError', 500);
      return perform();
    });
    await failing.open();
    const error = await rejection(save(failing, 1));
    expect(error).toMatchObject({ code: 'ENTROPY_STORE_FAILED', cause: { name: 'InternalError' } });
    failing.close();
    await failing.slots();
    // The commit had come through: the next that opens the store copies it to where others look.
    const next = makeStore();
    await next.open();
    expect(await stored()).toEqual({ best: 1 });
    expect(s3.names('a/').filter((name) => name.startsWith('model'))).toEqual(['model.json']);
  });
});

describe('the lease', () => {
  it('is refused while another holds it, and free at once when that one is closed', async () => {
    const [first, second] = [makeStore(), makeStore()];
    await first.open();
    const error = await rejection(second.open());
    expect(error.code).toBe('ENTROPY_STORE_IN_USE');
    expect(error.message).toMatch(/s3:\/\/bucket\/a\. If it has died, this prefix is free in 6\d seconds/);
    first.close();
    await first.slots();
    await second.open();
  });

  it('of a holder that is gone ends by the clock of the store', async () => {
    const gone = makeStore(undefined, { leaseSeconds: 30 });
    await gone.open();
    await save(gone, 1);
    letTimePass(29);
    expect((await rejection(makeStore().open())).code).toBe('ENTROPY_STORE_IN_USE');
    letTimePass(3);
    const next = makeStore();
    await next.open();
    await save(next, 2, { into: ['last'], keep: ['best'] });
    expect(await stored()).toEqual({ best: 1, last: 2 });
    expect(s3.names('a/')).not.toContain('.entropy-checkpoint.clock');
  });

  it('is kept alive by its holder, which writes the index now and then', async () => {
    const store = makeStore(undefined, { leaseSeconds: 3 });
    await store.open();
    const before = s3.objects.get(INDEX)!.etag;
    await until(() => s3.objects.get(INDEX)!.etag !== before);
    const revised = s3.objects.get(INDEX)!.etag;
    await until(() => s3.objects.get(INDEX)!.etag !== revised);
    await save(store, 1);
    expect(await stored()).toEqual({ best: 1 });
  });

  it('that was taken over lets no write of its former holder through, however late it comes', async () => {
    let holdBack: ((key: string) => boolean) | null = null;
    let open: () => void = () => undefined;
    const opens = new Promise<void>((resolve) => {
      open = resolve;
    });
    let isHeldBack = false;
    const slow = makeStore(async ({ method, key }, perform) => {
      if (method === 'Put' && holdBack?.(key) === true) {
        isHeldBack = true;
        await opens;
      }
      return perform();
    });
    await slow.open();
    await save(slow, 1);
    holdBack = (key) => key === INDEX;
    const saving = rejection(save(slow, 2));
    await until(() => isHeldBack);
    letTimePass(100);
    const next = makeStore();
    await next.open();
    // It finds in `best` what was there.
    expect(await stored()).toEqual({ best: 1 });
    await save(next, 7);
    open();
    expect((await saving).code).toBe('ENTROPY_STORE_IN_USE');
    expect(await stored()).toEqual({ best: 7 });
    // It stays lost, even once the other is gone.
    next.close();
    await next.slots();
    const error = await rejection(save(slow, 3));
    expect(error.code).toBe('ENTROPY_STORE_IN_USE');
    expect(error.message).toContain('was not heard of for 60 seconds');
    expect(await stored()).toEqual({ best: 7 });
  });

  it('that was taken over keeps its former holder from copying an old manifest over a new one', async () => {
    let open: () => void = () => undefined;
    const opens = new Promise<void>((resolve) => {
      open = resolve;
    });
    let isHeldBack = false;
    let isSlow = false;
    const slow = makeStore(async ({ method, key }, perform) => {
      if (isSlow && method === 'Put' && key === 'a/model.json') {
        isHeldBack = true;
        await opens;
      }
      return perform();
    });
    await slow.open();
    await save(slow, 1);
    isSlow = true;
    // It commits, and is stopped before it copies.
    const saving = save(slow, 2).catch(() => undefined);
    await until(() => isHeldBack);
    letTimePass(100);
    const next = makeStore();
    await next.open();
    await save(next, 7);
    const written = s3.objects.get('a/model.json')!.bytes;
    open();
    await saving;
    expect(s3.objects.get('a/model.json')!.bytes).toEqual(written);
    expect(await stored()).toEqual({ best: 7 });
  });

  it('that was taken over keeps its former holder from removing what the other needs', async () => {
    let isReached = false;
    let isSlow = false;
    let open: () => void = () => undefined;
    const opens = new Promise<void>((resolve) => {
      open = resolve;
    });
    const slow = makeStore(async ({ method, key }, perform) => {
      const answer = perform();
      if (isSlow && method === 'Put' && key === 'a/model.json') {
        isReached = true;
        await opens;
      }
      return answer;
    });
    await slow.open();
    await save(slow, 1);
    isSlow = true;
    // It is stopped before it removes the shards of step 1, and the other stores just these again.
    const saving = save(slow, 7);
    await until(() => isReached);
    letTimePass(100);
    const next = makeStore();
    await next.open();
    await save(next, 1);
    open();
    await saving;
    expect(await stored()).toEqual({ best: 1 });
  });

  it('goes to exactly one of several that open the store at the same moment', async () => {
    const outcomes = await Promise.allSettled(Array.from({ length: 5 }, () => makeStore().open()));
    expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    const reasons = outcomes.flatMap((outcome) =>
      outcome.status === 'rejected' ? [outcome.reason as Error] : [],
    );
    for (const reason of reasons) expect(reason).toMatchObject({ code: 'ENTROPY_STORE_IN_USE' });
  });
});

describe('a store that ignores conditions', () => {
  it('is refused when it is opened, and left as it was', async () => {
    s3.heedsConditions = false;
    const error = await rejection(makeStore().open());
    expect(error.code).toBe('ENTROPY_STORE_FAILED');
    expect(error.message).toContain('`If-None-Match`');
    expect(s3.names()).toEqual([]);
    expect((await rejection(save(makeStore(), 1))).message).toContain('`If-None-Match`');
  });

  it.each(['IfNoneMatch', 'IfMatch'] as const)('is refused where it ignores %s alone', async (condition) => {
    s3.heedsConditions = true;
    const ignoring: Intercept = ({ input }, perform) => {
      s3.heedsConditions = input[condition] === undefined;
      return perform();
    };
    const header = condition.replace(/(?!^)[A-Z]/g, '-$&');
    expect((await rejection(makeStore(ignoring).open())).message).toContain(`\`${header}\``);
    expect(s3.names()).toEqual([]);
  });

  it('is noticed where an index was copied there, which stays as it is', async () => {
    const store = makeStore();
    await save(store, 1);
    const index = s3.objects.get(INDEX)!.bytes;
    s3.heedsConditions = false;
    await rejection(makeStore().open());
    expect(s3.objects.get(INDEX)!.bytes).toEqual(index);
    expect(await stored()).toEqual({ best: 1 });
  });
});

describe('what others have put there', () => {
  const put = (key: string, text: string) => {
    const bytes = new TextEncoder().encode(text);
    s3.objects.set(key, { bytes, etag: `"${text.length}"`, lastModified: new Date() });
  };

  it.each(['a/model.json', 'a/model.last.json'])('is not overwritten: a model in %s', async (key) => {
    put(key, '{"modelTopology": {}}');
    const error = await rejection(makeStore().open());
    expect(error.code).toBe('ENTROPY_NOT_A_CHECKPOINT');
    expect(error.message).toContain(`s3://bucket/${key}`);
    expect(s3.objects.get(key)!.etag).toBe('"21"');
    // It has released the lease.
    s3.objects.delete(key);
    await makeStore().open();
  });

  it('is not overwritten when it comes during a training', async () => {
    const store = makeStore();
    await store.open();
    await save(store, 1);
    put('a/model.json', '{"modelTopology": {}}');
    const error = await rejection(save(store, 4));
    expect(error.code).toBe('ENTROPY_NOT_A_CHECKPOINT');
    expect(s3.objects.get('a/model.json')!.etag).toBe('"21"');
    expect(await stored()).toEqual({ best: 4 });
  });

  it('is refused as an index', async () => {
    put(INDEX, '{"mine": true}');
    expect((await rejection(makeStore().open())).code).toBe('ENTROPY_NOT_A_CHECKPOINT');
    expect((await rejection(makeStore().slots())).code).toBe('ENTROPY_NOT_A_CHECKPOINT');
  });

  it.each([
    [
      'a slot of another name',
      { slots: { 'epoch-x': { manifest: `manifest.${'0'.repeat(16)}.json`, shards: [] } } },
    ],
    [
      'a path as a shard',
      { slots: { best: { manifest: `manifest.${'0'.repeat(16)}.json`, shards: ['../x'] } } },
    ],
    ['a path as a manifest', { slots: { best: { manifest: '../model.json', shards: [] } } }],
    ['another format', { format: 2 }],
  ])('is refused as an index with %s', async (_what, changed) => {
    const index = { format: 1, owner: null, leaseSeconds: 60, revision: 1, slots: {}, ...changed };
    put(INDEX, JSON.stringify({ entropyCheckpointIndex: index }));
    expect((await rejection(makeStore().load('best'))).code).toBe('ENTROPY_NOT_A_CHECKPOINT');
  });

  it('is taken over if it is a folder of checkpoints that was copied there', async () => {
    await save(makeStore(), 1, { into: ['best'], keep: [] });
    await save(makeStore(), 4, { into: ['last'], keep: ['best'] });
    for (const key of [...s3.objects.keys()]) {
      if (/index|manifest|entropy-checkpoint/.test(key)) s3.objects.delete(key);
    }
    expect(await stored()).toEqual({ best: 1, last: 4 });
    const store = makeStore();
    await store.open();
    expect(await stored()).toEqual({ best: 1, last: 4 });
    await save(store, 9, { into: ['last'], keep: ['best'] });
    expect(await stored()).toEqual({ best: 1, last: 9 });
  });
});

describe('a reader', () => {
  it('reads the new checkpoint where the one that it reads is replaced', async () => {
    const store = makeStore();
    await store.open();
    await save(store, 1);
    let isReplaced = false;
    const reader = makeStore(async ({ method, key }, perform) => {
      if (method === 'Get' && key.includes('weights') && !isReplaced) {
        isReplaced = true;
        await save(store, 7);
      }
      return perform();
    });
    expect(await stepOf(await reader.load('best'), SIZE_FLOATS)).toBe(7);
  });

  it('says that a checkpoint is damaged where a shard is gone or has another size', async () => {
    await save(makeStore(), 1);
    const key = [...s3.objects.keys()].find((name) => name.includes('weights'))!;
    const shard = s3.objects.get(key)!;
    s3.objects.delete(key);
    const missing = await rejection(makeStore().load('best'));
    expect(missing.code).toBe('ENTROPY_CORRUPT_CHECKPOINT');
    expect(missing.message).toContain(`${key}" is damaged: expected 1500 bytes, got none`);
    s3.objects.set(key, { ...shard, bytes: shard.bytes.slice(1) });
    expect((await rejection(makeStore().load('best'))).message).toContain('got 1499');
  });
});

describe('errors of the client', () => {
  it.each([
    ['InvalidAccessKeyId', 403, 'credentials'],
    ['ExpiredToken', 400, 'credentials'],
    ['AccessDenied', 403, 's3:PutObject'],
    ['PermanentRedirect', 301, '`region`'],
    ['AuthorizationHeaderMalformed', 400, '`region`'],
    ['RequestTimeTooSkewed', 403, 'clock'],
    ['NoSuchBucket', 404, "Create the bucket 'bucket'"],
    ['SlowDown', 503, 'SlowDown'],
  ])('say what to do: %s', async (name, status, advice) => {
    const failing = makeStore(() => {
      throw s3Error(name, status);
    });
    const actions = [
      () => failing.open(),
      () => failing.slots(),
      () => failing.load('best'),
      () => save(failing, 1),
    ];
    for (const action of actions) {
      const error = await rejection(action());
      expect(error).toMatchObject({ code: 'ENTROPY_STORE_FAILED', cause: { name } });
      expect(error.message).toContain(advice);
      expect(error.message).toContain('s3://bucket/a');
    }
    expect(s3.names()).toEqual([]);
  });

  it('a request without an answer ends after the time limit, and is aborted', async () => {
    const silent = makeStore(() => new Promise<object>(() => undefined), { storeTimeoutMs: 20 });
    const error = await rejection(silent.slots());
    expect(error.code).toBe('ENTROPY_STORE_FAILED');
    expect(error.message).toContain('storeTimeoutMs');
  });
});

describe('options', () => {
  const client = new FakeS3().client();
  it.each([
    [{}, '`client`'],
    [{ client }, '`bucket`'],
    [{ client: undefined, bucket: 'b' }, '`client`'],
    [{ client: {}, bucket: 'b' }, 'S3Client'],
    [{ client, bucket: '' }, 'name of a bucket'],
    [{ client, bucket: 'b', prefix: '/a' }, 'begins with no slash'],
    [{ client, bucket: 'b', leaseSeconds: 1 }, '3 or more'],
    [{ client, bucket: 'b', storeTimeoutMs: 0 }, 'milliseconds'],
    [{ client, bucket: 'b', Prefix: 'a' }, 'Did you mean `prefix`?'],
  ])('are checked at once: %p', (options, expected) => {
    const error = thrownBy(() => new S3Store(options as unknown as S3StoreOptions));
    expect(error.code).toBe('ENTROPY_INVALID_OPTION');
    expect(error.message).toContain(expected);
  });

  it.each([
    [undefined, 's3://bucket'],
    ['', 's3://bucket'],
    ['runs/7', 's3://bucket/runs/7'],
    ['runs/7/', 's3://bucket/runs/7'],
  ])('make a name: prefix %p', async (prefix, name) => {
    const store = makeStore(undefined, { prefix } as Partial<S3StoreOptions>);
    expect(store.name).toBe(name);
    await save(store, 1);
    expect(s3.objects.has(`${name.slice('s3://bucket'.length + 1)}/model.json`.replace(/^\//, ''))).toBe(
      true,
    );
  });
});
