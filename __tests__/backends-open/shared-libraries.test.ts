import { afterEach, beforeEach, expect, test } from '@jest/globals';
import * as fs from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { libraryEnvironment } from '../../backends/shared-libraries.js';

const { PATH = '', LD_LIBRARY_PATH } = process.env;

let folder: string;

beforeEach(() => {
  folder = fs.mkdtempSync(join(tmpdir(), 'shared-libraries-test-'));
  delete process.env['LD_LIBRARY_PATH'];
});

afterEach(() => {
  process.env['PATH'] = PATH;
  if (LD_LIBRARY_PATH === undefined) delete process.env['LD_LIBRARY_PATH'];
  else process.env['LD_LIBRARY_PATH'] = LD_LIBRARY_PATH;
  fs.rmSync(folder, { recursive: true, force: true });
});

/** Replaces `ldd` by one that finds libc everywhere, libnss3 only in /own, and libgone nowhere. */
function useLdd(...names: readonly string[]): void {
  const lines = names.map((name) =>
    name === 'libnss3.so'
      ? `case "$LD_LIBRARY_PATH" in *own*) ;; *) echo "	${name} => not found";; esac`
      : `echo "	${name} => ${name === 'libc.so.6' ? '/lib/libc.so.6 (0x0)' : 'not found'}"`,
  );
  fs.writeFileSync(join(folder, 'ldd'), ['#!/bin/sh', ...lines].join('\n'), { mode: 0o755 });
  process.env['PATH'] = folder + delimiter + PATH;
}

test('a program that finds its libraries in the system gets no environment variables', async () => {
  useLdd('libc.so.6');
  expect(await libraryEnvironment('/program', '/own')).toEqual({});
});

test('a program that lacks a library gets the folder, after the folders it already has', async () => {
  useLdd('libc.so.6', 'libnss3.so');
  expect(await libraryEnvironment('/program', '/own')).toEqual({ LD_LIBRARY_PATH: '/own' });
  process.env['LD_LIBRARY_PATH'] = '/theirs';
  expect(await libraryEnvironment('/program', '/own')).toEqual({ LD_LIBRARY_PATH: '/theirs:/own' });
});

test('missing libraries are named in the error', async () => {
  useLdd('libc.so.6', 'libnss3.so', 'libgone.so.1');
  await expect(libraryEnvironment('/program', '/own')).rejects.toThrow(
    '/program needs shared libraries that this system lacks: libgone.so.1.',
  );
});

test('without ldd, no library is taken for missing', async () => {
  process.env['PATH'] = folder;
  expect(await libraryEnvironment('/program', '/own')).toEqual({});
});
