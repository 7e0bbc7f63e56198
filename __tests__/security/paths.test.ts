import { createHash } from 'node:crypto';
import * as fs from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join, relative } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, test } from '@jest/globals';
import * as tf from '@tensorflow/tfjs';
import { EntropyCheckpoint, loadCheckpoint } from '../../src/index.js';
import { FileStore } from '../../src/stores/file/file-store.js';
import { nodeFileSystem } from '../../src/stores/file/file-system.js';
import { encodeModelJson } from '../../src/stores/model-json.js';
import { manifestOf, partsOfStep, sourceOf } from '../stores/fixtures/checkpoints.js';
import { interceptCalls } from '../stores/fixtures/intercepted-file-system.js';
import { rejection } from '../support/errors.js';
import { craft, type ModelJson } from './fixtures/crafted.js';
import { DENSE, disposeAll, predictionsOf, trainOneBatch, type Sample } from './fixtures/samples.js';
import { useSamples } from './fixtures/use-samples.js';

const { root, sample } = useSamples();
let written: Sample;
let outside = '';
let folder = '';
/** Every path that the file system was called with. */
let touched: Set<string>;
let model: tf.LayersModel;

beforeEach(async () => {
  outside = fs.mkdtempSync(join(root(), 'outside-'));
  folder = join(outside, 'folder');
  fs.mkdirSync(folder);
  written = sample(DENSE);
  fs.writeFileSync(join(folder, 'model.json'), written.modelJson);
  fs.writeFileSync(join(folder, written.weightFile), written.weights);
  touched = new Set();
  model = written.makeModel(9);
  await trainOneBatch(model);
});

afterEach(() => {
  disposeAll(model);
});

function watchedStore(): FileStore {
  const watched = interceptCalls(nodeFileSystem, ({ path }, perform) => {
    touched.add(path);
    return perform();
  });
  return new FileStore(folder, watched);
}

const isInside = (path: string): boolean => !relative(folder, path).startsWith('..');

/** Expects every way to read the folder to fail, and no path outside it to be touched. */
async function expectRefused(code: string): Promise<void> {
  const resume = async (): Promise<unknown> => {
    const checkpoint = new EntropyCheckpoint(model, undefined, { filepath: watchedStore() });
    return checkpoint.resume().finally(() => {
      checkpoint.dispose();
    });
  };
  const loads = [
    () => loadCheckpoint(watchedStore()),
    () => loadCheckpoint(watchedStore(), { model }),
    resume,
  ];
  for (const load of loads) expect((await rejection(load())).code).toBe(code);
  expect([...touched].filter((path) => !isInside(path))).toEqual([]);
}

describe('a checkpoint cannot refer to a file outside its folder:', () => {
  const HEX = '0'.repeat(64);
  /** Values to use as a checksum, whose first 16 characters are part of a file name. */
  const CHECKSUMS: [string, unknown][] = [
    ['the folder above', '../bait'.padEnd(64, '0')],
    ['the folder above a folder', '/../../bait'.padEnd(64, '0')],
    ['an absolute path', '/etc/passwd'.padEnd(64, '0')],
    ['the path of a Windows drive', 'C:\\bait'.padEnd(64, '0')],
    ['the folder above, as Windows writes it', '..\\bait'.padEnd(64, '0')],
    ['the folder above, as URLs write it', '%2e%2e%2fbait'.padEnd(64, '0')],
    ['a NUL', `\0${HEX.slice(1)}`],
    ['a line feed', `${HEX}\n`],
    ['upper case', HEX.replaceAll('0', 'A')],
    ['one digit too few', HEX.slice(1)],
    ['one digit too many', `${HEX}0`],
    ['nothing', ''],
    ['a list', [HEX]],
    ['an object', { length: 64 }],
    ['a number', 0],
  ];

  test.each(CHECKSUMS)('%s as a checksum', async (_name, sha256) => {
    const modelJson = await craft(written, ({ userDefinedMetadata }) => {
      userDefinedMetadata.entropyCheckpoint.shards[0]!.sha256 = sha256 as string;
    });
    fs.writeFileSync(join(folder, 'model.json'), modelJson);
    fs.writeFileSync(join(outside, 'bait.bin'), written.weights);
    await expectRefused('ENTROPY_CORRUPT_CHECKPOINT');
  });

  test.each<[string, (crafted: ModelJson['weightsManifest']) => void]>([
    ['the folder above', ([group]) => void (group.paths = ['../bait.bin'])],
    ['an absolute path', ([group]) => void (group.paths = [join(outside, 'bait.bin')])],
    ['a URL', ([group]) => void (group.paths = ['file:///etc/passwd'])],
    ['a NUL', ([group]) => void (group.paths = ['a\0b'])],
    [
      'its weight file in another spelling',
      ([group]) => void (group.paths = [`./${group.paths[0] as string}`]),
    ],
    ['its weight file twice', ([group]) => void group.paths.push(group.paths[0]!)],
    ['no path', ([group]) => void (group.paths = [])],
    ['values that are not strings', ([group]) => void (group.paths = [null, 1, {}])],
    ['a second group', (groups) => void groups.push({ paths: ['../bait.bin'], weights: [] })],
  ])('%s in `weightsManifest.paths`', async (_name, change) => {
    const crafted = JSON.parse(written.modelJson) as ModelJson;
    change(crafted.weightsManifest);
    fs.writeFileSync(join(folder, 'model.json'), JSON.stringify(crafted));
    fs.writeFileSync(join(outside, 'bait.bin'), written.weights);
    await expectRefused('ENTROPY_CORRUPT_CHECKPOINT');
  });
});

describe('slots', () => {
  test.each([
    'model..json',
    'model...json',
    'model.best.json',
    'model.epoch-.json',
    'model.epoch--1.json',
    'model.epoch-1.5.json',
    'model.epoch-1e9.json',
    'model.epoch-1234567890123456.json',
    'model.epoch-1\n.json',
    'model.epoch-1.json\n',
    'model.epoch-..\\1.json',
    'model.fit-1.json',
    'MODEL.last.json',
    'model.__proto__.json',
  ])('do not include a file that this package does not write: %j', async (name) => {
    fs.writeFileSync(join(folder, name), written.modelJson);
    expect(await new FileStore(folder).slots()).toEqual(['best']);
  });

  test.each(['link', 'folder'])('do not include a %s', async (kind) => {
    const path = join(folder, 'model.epoch-5.json');
    if (kind === 'link') fs.symlinkSync('model.json', path);
    else fs.mkdirSync(path);
    const store = watchedStore();
    expect(await store.slots()).toEqual(['best']);
    expect((await rejection(loadCheckpoint(store, { epoch: 5 }))).code).toBe('ENTROPY_NO_CHECKPOINT');
  });

  test('are found by name: the epoch to load never becomes part of a path', async () => {
    for (const epoch of ['../x', '0/../../x', -1, 0.5, NaN, Infinity]) {
      const error = await rejection(loadCheckpoint(watchedStore(), { epoch: epoch as number }));
      expect(error.code).toBe('ENTROPY_INVALID_OPTION');
    }
    expect([...touched]).toEqual([]);
  });
});

test.each([
  ['with a NUL', 'a\0b'],
  ['of 5000 folders', 'x/'.repeat(5000)],
  ['of 5000 letters', 'x'.repeat(5000)],
])('an impossible path is refused: one %s', async (_name, path) => {
  const filepath = join(folder, path);
  const checkpoint = new EntropyCheckpoint(model, undefined, { filepath });
  for (const load of [() => loadCheckpoint(filepath), () => checkpoint.resume()]) {
    expect((await rejection(load())).code).toBe('ENTROPY_STORE_FAILED');
  }
  checkpoint.dispose();
});

describe('a save', () => {
  const userContent = 'a file of the user';
  let kept = '';

  beforeEach(() => {
    kept = join(outside, 'kept');
    fs.mkdirSync(kept);
    for (const name of ['weights.0123456789abcdef.bin', 'model.json', 'file']) {
      fs.writeFileSync(join(kept, name), userContent);
    }
  });

  function expectKept(): void {
    for (const name of fs.readdirSync(kept))
      expect(fs.readFileSync(join(kept, name), 'utf8')).toBe(userContent);
    expect(fs.readdirSync(kept)).toHaveLength(3);
    expect([...touched].filter((path) => !isInside(path))).toEqual([]);
  }

  /** Trains an epoch, and saves it in the folder. */
  async function train(): Promise<void> {
    const checkpoint = new EntropyCheckpoint(model, undefined, { filepath: watchedStore() });
    const predictions = predictionsOf(model);
    checkpoint.appendOutput(predictions);
    predictions.dispose();
    try {
      await checkpoint.saveCheckpoint(0);
      await checkpoint.flush();
    } finally {
      checkpoint.dispose();
    }
  }

  it.each([
    ['weights.0123456789abcdef.bin', 'file'],
    ['weights.fedcba9876543210.bin', ''],
    ['.entropy-checkpoint.0123456789abcdef.tmp', 'file'],
    ['.entropy-checkpoint.fedcba9876543210.tmp', ''],
    ['weights.00000000000000ff.bin', 'nothing'],
  ])('neither follows nor removes a link that is named like a leftover: %s to "%s"', async (name, target) => {
    fs.symlinkSync(join(kept, target), join(folder, name));
    await train();
    expect(fs.readlinkSync(join(folder, name))).toBe(join(kept, target));
    expectKept();
  });

  it('leaves a folder that is named like a leftover, with its content', async () => {
    const name = join(folder, 'weights.0123456789abcdef.bin');
    fs.cpSync(kept, name, { recursive: true });
    await train();
    expect(fs.readdirSync(name)).toEqual(fs.readdirSync(kept));
    expectKept();
  });

  it('removes only the name of a leftover that is a hard link', async () => {
    fs.linkSync(join(kept, 'file'), join(folder, 'weights.0123456789abcdef.bin'));
    await train();
    expect(fs.existsSync(join(folder, 'weights.0123456789abcdef.bin'))).toBe(false);
    expectKept();
  });

  it.each(['model.json', 'model.last.json', 'model.epoch-3.json'])(
    'is refused if %s is a link',
    async (name) => {
      fs.rmSync(join(folder, name), { force: true });
      fs.symlinkSync(join(kept, 'file'), join(folder, name));
      expect((await rejection(train())).code).toBe('ENTROPY_NOT_A_CHECKPOINT');
      expect(fs.lstatSync(join(folder, name)).isSymbolicLink()).toBe(true);
      expectKept();
    },
  );

  it('replaces a link at the path of a weight file, and leaves its target', async () => {
    const parts = partsOfStep(1);
    const [shard] = manifestOf(parts).shards;
    const name = join(folder, `weights.${shard!.sha256.slice(0, 16)}.bin`);
    fs.symlinkSync(join(kept, 'file'), name);
    await watchedStore().save(sourceOf(parts), { into: ['best'], keep: [] });
    expect(fs.lstatSync(name).isFile()).toBe(true);
    expectKept();
  });

  it.each([`../${'a'.repeat(61)}`, `/${'a'.repeat(63)}`])(
    'is refused from a source whose shard has the checksum %j',
    async (sha256) => {
      const source = sourceOf(partsOfStep(1));
      const store = watchedStore();
      const crafted = {
        ...source,
        readShard: async (buffer: Uint8Array<ArrayBuffer>) => {
          const read = await source.readShard(buffer);
          return read && { ...read, sha256: Promise.resolve(sha256) };
        },
      };
      expect((await rejection(store.save(crafted, { into: ['best'], keep: [] }))).code).toBe(
        'ENTROPY_STORE_FAILED',
      );
      expectKept();
      const { model: loaded } = await loadCheckpoint(folder);
      disposeAll(loaded);
    },
  );
});

describe('over HTTP, where tfjs resolves the paths,', () => {
  const servers: Server[] = [];
  const requests: string[][] = [];

  /** Serves these files, and nothing else. */
  async function serve(files: Record<string, Uint8Array | string>): Promise<string> {
    const seen: string[] = [];
    const server = createServer((request, response) => {
      const path = request.url ?? '';
      seen.push(path);
      const content = files[path];
      response.statusCode = content === undefined ? 404 : 200;
      response.setHeader(
        'Content-Type',
        path.endsWith('.json') ? 'application/json' : 'application/octet-stream',
      );
      response.end(content);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    servers.push(server);
    requests.push(seen);
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  }

  afterEach(async () => {
    for (const server of servers.splice(0)) {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    }
    requests.length = 0;
  });

  /** `fetch` runs outside Jest's realm: tfjs inside it doesn't recognise the arrays that `fetch` makes. */
  const overHttp = (url: string): tf.io.IOHandler => {
    const fetchFunc: typeof fetch = async (path, init) => {
      const response = await fetch(path, init);
      return Object.assign(response, { json: async () => JSON.parse(await response.text()) as unknown });
    };
    return tf.io.http(`${url}/run/model.json`, { fetchFunc });
  };

  function pointingTo(path: string): string {
    const crafted = JSON.parse(written.modelJson) as ModelJson;
    crafted.weightsManifest[0].paths = [path];
    return JSON.stringify(crafted);
  }

  test('weights may come from another folder of the same server, and are verified', async () => {
    const url = await serve({
      '/run/model.json': pointingTo('../other/w.bin'),
      '/other/w.bin': written.weights,
    });
    const loaded = await loadCheckpoint(overHttp(url));
    disposeAll(loaded.model);
    expect(new Set(requests[0])).toEqual(new Set(['/run/model.json', '/other/w.bin']));
  });

  test('other weights from another folder are refused', async () => {
    const files = {
      '/run/model.json': pointingTo('../other/w.bin'),
      '/other/w.bin': Buffer.alloc(written.weights.length),
    };
    const url = await serve(files);
    expect((await rejection(loadCheckpoint(overHttp(url)))).code).toBe('ENTROPY_CORRUPT_CHECKPOINT');
  });

  test.each(['', '/', '//'])('a path never leads to another server, with the prefix %j', async (prefix) => {
    const other = await serve({ '/w.bin': written.weights });
    const path = prefix === '//' ? `//${other.slice('http://'.length)}/w.bin` : `${prefix}${other}/w.bin`;
    const url = await serve({ '/run/model.json': pointingTo(path) });
    expect((await rejection(loadCheckpoint(overHttp(url)))).code).toBe('ENTROPY_CORRUPT_CHECKPOINT');
    expect(requests[0]).toEqual([]);
  });

  test('a local file is never read', async () => {
    const path = join(folder, written.weightFile);
    for (const target of [path, `file://${path}`, `../../../../../../../..${path}`]) {
      const url = await serve({ '/run/model.json': pointingTo(target) });
      expect((await rejection(loadCheckpoint(overHttp(url)))).code).toBe('ENTROPY_CORRUPT_CHECKPOINT');
    }
  });
});

test('the name of a weight file is made from its checksum', () => {
  const parts = partsOfStep(1);
  const manifest = manifestOf(parts);
  const { weightsManifest } = JSON.parse(encodeModelJson(manifest)) as ModelJson;
  const sha256 = createHash('sha256').update(parts.weightData).digest('hex');
  expect(weightsManifest[0].paths).toEqual([`weights.${sha256.slice(0, 16)}.bin`]);
});
