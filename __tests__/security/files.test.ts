import { execFileSync } from 'node:child_process';
import * as fs from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { loadCheckpoint } from '../../src/index.js';
import { FileStore } from '../../src/stores/file/file-store.js';
import { nodeFileSystem, type FileSystem } from '../../src/stores/file/file-system.js';
import { rejection } from '../support/errors.js';
import { Reader } from './fixtures/reader.js';
import { DENSE, disposeAll, type Sample } from './fixtures/samples.js';
import { useSamples } from './fixtures/use-samples.js';
import { Watchdog } from './fixtures/watchdog.js';

const { root, sample } = useSamples();
let watchdog: Watchdog;
let reader: Reader;
let written: Sample;
let folder = '';
let elsewhere = '';

beforeAll(() => {
  watchdog = new Watchdog(root());
});

afterAll(async () => {
  await watchdog.close();
});

beforeEach(async () => {
  folder = fs.mkdtempSync(join(root(), 'folder-'));
  elsewhere = fs.mkdtempSync(join(root(), 'elsewhere-'));
  written = sample(DENSE);
  reader = new Reader(written, folder, watchdog);
  await reader.open();
  reader.write(written.modelJson, written.weights);
});

afterEach(() => {
  reader.close();
});

/** The two files of a checkpoint. */
const FILES = ['model.json', 'the weights'] as const;
type File = (typeof FILES)[number];
const pathOf = (file: File): string => join(folder, file === 'model.json' ? file : written.weightFile);

/** Puts something else at the path of a file, whose content is now at `moved`. */
type Replacement = (path: string, moved: string) => void;

const REPLACEMENTS: Readonly<Record<string, Replacement>> = {
  'a link to it': (path, moved) => {
    fs.symlinkSync(moved, path);
  },
  'a link to nothing': (path) => {
    fs.symlinkSync(join(elsewhere, 'nothing'), path);
  },
  'a link to itself': (path) => {
    fs.symlinkSync(path, path);
  },
  'a link to /dev/zero': (path) => {
    fs.symlinkSync('/dev/zero', path);
  },
  'a link to a named pipe': (path) => {
    execFileSync('mkfifo', [join(elsewhere, 'pipe')]);
    fs.symlinkSync(join(elsewhere, 'pipe'), path);
  },
  'a folder': (path) => {
    fs.mkdirSync(path);
  },
  'a named pipe': (path) => {
    execFileSync('mkfifo', [path]);
  },
};

function replace(file: File, replacement: Replacement): void {
  const moved = join(elsewhere, 'moved');
  fs.renameSync(pathOf(file), moved);
  replacement(pathOf(file), moved);
}

describe.each(FILES)('%s is refused if it is replaced by', (file) => {
  test.each(Object.entries(REPLACEMENTS))('%s', async (_name, replacement) => {
    replace(file, replacement);
    const outcomes = await reader.readFolder();
    // `resume` finds no slot of this package, and `fit` refuses the folder.
    const resumed = file === 'model.json' ? 'nothing' : 'ENTROPY_NOT_A_CHECKPOINT';
    expect(outcomes).toEqual({
      'loadCheckpoint, a new model': 'ENTROPY_NOT_A_CHECKPOINT',
      'loadCheckpoint, a given model': 'ENTROPY_NOT_A_CHECKPOINT',
      'EntropyCheckpoint.resume': resumed,
      'EntropyCheckpointCallback.resume': resumed,
    });
  });

  test('a socket', async () => {
    const server = createServer();
    replace(file, () => undefined);
    await new Promise<void>((resolve) => server.listen(pathOf(file), resolve));
    const outcomes = await reader.readFolder().finally(() => {
      server.close();
    });
    expect(outcomes['loadCheckpoint, a new model']).toBe('ENTROPY_NOT_A_CHECKPOINT');
  });
});

test.each<[string, (bytes: Buffer) => Buffer]>([
  ['half of its bytes', (bytes) => bytes.subarray(0, bytes.length / 2)],
  ['all but one of its bytes', (bytes) => bytes.subarray(1)],
  ['no bytes', () => Buffer.alloc(0)],
  ['one more byte', (bytes) => Buffer.concat([bytes, Buffer.alloc(1)])],
  ['its bytes twice', (bytes) => Buffer.concat([bytes, bytes])],
])('a file with %s is damaged', async (_name, change) => {
  for (const file of FILES) {
    reader.write(written.modelJson, written.weights);
    fs.writeFileSync(pathOf(file), change(fs.readFileSync(pathOf(file))));
    expect(new Set(Object.values(await reader.readFolder()))).toEqual(
      new Set(['ENTROPY_CORRUPT_CHECKPOINT']),
    );
  }
});

test('weights of a terabyte are refused by their size alone', async () => {
  fs.truncateSync(pathOf('the weights'), 2 ** 40);
  expect(new Set(Object.values(await reader.readFolder()))).toEqual(new Set(['ENTROPY_CORRUPT_CHECKPOINT']));
});

test('a folder that is a link is followed, because the user named it', async () => {
  const link = join(elsewhere, 'link');
  fs.symlinkSync(folder, link);
  const { model } = await loadCheckpoint(link);
  disposeAll(model);
});

describe('a file that is replaced between its check and its opening', () => {
  /** `lstat` still sees a regular file. */
  const staleFileSystem: FileSystem = {
    ...nodeFileSystem,
    lstat: () => Promise.resolve({ isFile: () => true }),
  };

  test.each(FILES)('by a link is refused: %s', async (file) => {
    replace(file, REPLACEMENTS['a link to it']!);
    const error = await rejection(loadCheckpoint(new FileStore(folder, staleFileSystem)));
    expect(error.code).toBe('ENTROPY_NOT_A_CHECKPOINT');
  });

  test.each(FILES)('by a named pipe is refused without waiting for it: %s', async (file) => {
    replace(file, REPLACEMENTS['a named pipe']!);
    let waits = 0;
    // A reader that waits at a pipe continues when it's opened for writing. Without that, this test would never end.
    const release = setInterval(() => {
      waits++;
      fs.closeSync(fs.openSync(pathOf(file), fs.constants.O_RDWR | fs.constants.O_NONBLOCK));
    }, 1000);
    const { code } = await rejection(loadCheckpoint(new FileStore(folder, staleFileSystem))).finally(() => {
      clearInterval(release);
    });
    expect({ code, waits }).toEqual({ code: 'ENTROPY_NOT_A_CHECKPOINT', waits: 0 });
  });
});
