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
import { useSamples } from './fixtures/temporary-root.js';
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

/** Something else in the place of a file, whose content is at `moved`. */
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

describe.each(FILES)('%s is refused where there is in its place', (file) => {
  test.each(Object.entries(REPLACEMENTS))('%s', async (_name, replacement) => {
    replace(file, replacement);
    const outcomes = await reader.readFolder();
    // `resume` finds no slot that could be one of its own, and `fit` refuses the folder.
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
  ['half of it', (bytes) => bytes.subarray(0, bytes.length / 2)],
  ['all but one byte', (bytes) => bytes.subarray(1)],
  ['nothing', () => Buffer.alloc(0)],
  ['one byte more', (bytes) => Buffer.concat([bytes, Buffer.alloc(1)])],
  ['twice of it', (bytes) => Buffer.concat([bytes, bytes])],
])('a file that has %s is damaged', async (_name, change) => {
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

test('a folder that is a link is followed, as the user has named it', async () => {
  const link = join(elsewhere, 'link');
  fs.symlinkSync(folder, link);
  const { model } = await loadCheckpoint(link);
  disposeAll(model);
});

describe('a file that is replaced between the look at it and its opening', () => {
  /** Whoever looks at a file sees what it was. */
  const unaware: FileSystem = { ...nodeFileSystem, lstat: () => Promise.resolve({ isFile: () => true }) };

  test.each(FILES)('by a link is refused: %s', async (file) => {
    replace(file, REPLACEMENTS['a link to it']!);
    const error = await rejection(loadCheckpoint(new FileStore(folder, unaware)));
    expect(error.code).toBe('ENTROPY_NOT_A_CHECKPOINT');
  });

  test.each(FILES)('by a named pipe is refused, and not waited for: %s', async (file) => {
    replace(file, REPLACEMENTS['a named pipe']!);
    let waits = 0;
    // Whoever waits at a pipe goes on when it is opened for writing; or else this test would not end.
    const release = setInterval(() => {
      waits++;
      fs.closeSync(fs.openSync(pathOf(file), fs.constants.O_RDWR | fs.constants.O_NONBLOCK));
    }, 1000);
    const { code } = await rejection(loadCheckpoint(new FileStore(folder, unaware))).finally(() => {
      clearInterval(release);
    });
    expect({ code, waits }).toEqual({ code: 'ENTROPY_NOT_A_CHECKPOINT', waits: 0 });
  });
});
