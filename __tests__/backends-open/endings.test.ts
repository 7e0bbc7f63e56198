import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import * as fs from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { openBackend, type BackendChoice, type OpenBackend } from '../../backends/open-backend.js';
import { descendants, type ProcessInfo } from './fixtures/processes.js';

const entry = new URL('fixtures/entry.ts', import.meta.url);

let before: ReadonlySet<number>;
let opened: OpenBackend;

beforeEach(() => {
  before = new Set(descendants().map(({ pid }) => pid));
});

afterEach(async () => {
  await opened.close();
});

async function open(choice: BackendChoice): Promise<OpenBackend> {
  opened = await openBackend(choice, entry);
  return opened;
}

function startedProcesses(): ProcessInfo[] {
  return descendants().filter(({ pid }) => !before.has(pid));
}

/** The error of a call that would not return, when a process of the backend is killed meanwhile. */
async function errorWhenKilled(command: RegExp): Promise<unknown> {
  const rejection = opened.call('neverReturn').catch((error: unknown) => error);
  await sleep(100);
  const target = startedProcesses().find((candidate) => command.test(candidate.command));
  process.kill(target!.pid, 'SIGKILL');
  return rejection;
}

/** Chromium is many processes, the last of which ends a moment after the first. */
async function processesAfter(timeoutMs: number): Promise<ProcessInfo[]> {
  const end = performance.now() + timeoutMs;
  while (startedProcesses().length > 0 && performance.now() < end) await sleep(20);
  return startedProcesses();
}

describe('a call is rejected at once', () => {
  test('when its process exits, with the last output', async () => {
    await open({ place: 'node', backend: 'cpu' });
    await expect(opened.call('exit', 3)).rejects.toThrow(
      "'exit' has not returned from cpu in Node: The Node process ended with exit code 3.\nIts output:\nlast words",
    );
    await expect(opened.call('echo', 1)).rejects.toThrow('exit code 3');
  });

  test('when its process is killed', async () => {
    await open({ place: 'node', backend: 'webgpu' });
    expect(await errorWhenKilled(/run-in-node/)).toMatchObject({
      message: expect.stringContaining('SIGKILL'),
    });
  });

  test.each<BackendChoice>([
    { place: 'node', backend: 'cpu' },
    { place: 'chromium', backend: 'cpu' },
  ])('when something is thrown in $place that nobody catches', async (choice) => {
    await open(choice);
    await expect(opened.call('throwUncaught', 'nobody hears this')).rejects.toThrow('nobody hears this');
    await expect(opened.call('echo', 1)).rejects.toThrow('nobody hears this');
  });

  test.each([
    ['Chromium', /chromium(?!.*--type=)/, /The page was closed|Chromium ended/],
    ['the process of the page', /--type=renderer/, /The page crashed/],
    ['the process of the GPU', /--type=gpu-process/, /The WebGL context was lost/],
  ])('when %s is killed', async (_name, command, reason) => {
    await open({ place: 'chromium', backend: 'webgl' });
    expect(await errorWhenKilled(command)).toMatchObject({ message: expect.stringMatching(reason) });
    await expect(opened.call('product', [[1], [1]])).rejects.toThrow(reason);
  });

  test('when the WebGPU device is lost', async () => {
    await open({ place: 'chromium', backend: 'webgpu' });
    const reason = /The WebGPU device was lost/;
    expect(await errorWhenKilled(/--type=gpu-process/)).toMatchObject({
      message: expect.stringMatching(reason),
    });
    await expect(opened.call('product', [[1], [1]])).rejects.toThrow(reason);
  });
});

describe('closing', () => {
  test.each<BackendChoice>([
    { place: 'node', backend: 'webgpu' },
    { place: 'chromium', backend: 'webgpu' },
  ])('leaves no process of $backend in $place, and no profile', async (choice) => {
    await open(choice);
    const started = startedProcesses();
    expect(started.length).toBeGreaterThan(0);
    const profiles = started.flatMap(({ command }) => /--user-data-dir=(\S+)/.exec(command)?.[1] ?? []);
    expect(profiles.filter((folder) => fs.existsSync(folder)).length > 0).toBe(choice.place === 'chromium');

    await opened.close();
    expect(await processesAfter(2_000)).toEqual([]);
    expect(profiles.filter((folder) => fs.existsSync(folder))).toEqual([]);
    await expect(opened.call('echo', 1)).rejects.toThrow("'echo' has not returned");
  });

  test.each<BackendChoice>([
    { place: 'node', backend: 'cpu' },
    { place: 'chromium', backend: 'cpu' },
  ])('ends what loops in $place', async (choice) => {
    await open(choice);
    const rejection = opened.call('loopForever').catch((error: unknown) => error);
    await sleep(100);
    await opened.close();
    expect(await rejection).toBeInstanceOf(Error);
    expect(await processesAfter(2_000)).toEqual([]);
  });
});
