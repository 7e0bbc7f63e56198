import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import * as fs from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { openBackend, type BackendTarget, type OpenBackend } from '../../backends/open-backend.js';
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

async function open(target: BackendTarget): Promise<OpenBackend> {
  opened = await openBackend(target, entry);
  return opened;
}

function startedProcesses(): ProcessInfo[] {
  return descendants().filter(({ pid }) => !before.has(pid));
}

/** The error of a call that never returns, after a process of the backend was killed. */
async function errorWhenKilled(command: RegExp): Promise<unknown> {
  const rejection = opened.call('neverReturn').catch((error: unknown) => error);
  await sleep(100);
  const target = startedProcesses().find((candidate) => command.test(candidate.command));
  process.kill(target!.pid, 'SIGKILL');
  return rejection;
}

/** Chromium's processes do not end at the same moment. Jest's timeout ends the wait for one that never does. */
async function allProcessesEnded(): Promise<void> {
  while (startedProcesses().length > 0) await sleep(20);
}

describe('a call is rejected', () => {
  test('when its process exits, with the last output', async () => {
    await open({ runtime: 'node', backend: 'cpu' });
    await expect(opened.call('exit', 3)).rejects.toThrow(
      "'exit' did not return from cpu in Node: The Node process ended with exit code 3.\nIts output:\nlast words",
    );
    await expect(opened.call('echo', 1)).rejects.toThrow('exit code 3');
  });

  test('when its process is killed', async () => {
    await open({ runtime: 'node', backend: 'webgpu' });
    expect(await errorWhenKilled(/run-in-node/)).toMatchObject({
      message: expect.stringContaining('SIGKILL'),
    });
  });

  test.each<BackendTarget>([
    { runtime: 'node', backend: 'cpu' },
    { runtime: 'chromium', backend: 'cpu' },
  ])('when an error is not caught in $runtime', async (target) => {
    await open(target);
    await expect(opened.call('throwUncaught', 'uncaught message')).rejects.toThrow('uncaught message');
    await expect(opened.call('echo', 1)).rejects.toThrow('uncaught message');
  });

  test.each([
    ['Chromium', /chromium(?!.*--type=)/, /The page was closed|Chromium ended/],
    ['the process of the page', /--type=renderer/, /The page crashed/],
    ['the process of the GPU', /--type=gpu-process/, /The WebGL context was lost/],
  ])('when %s is killed', async (_name, command, reason) => {
    await open({ runtime: 'chromium', backend: 'webgl' });
    expect(await errorWhenKilled(command)).toMatchObject({ message: expect.stringMatching(reason) });
    await expect(opened.call('product', [[1], [1]])).rejects.toThrow(reason);
  });

  test('when the WebGPU device is lost', async () => {
    await open({ runtime: 'chromium', backend: 'webgpu' });
    const reason = /The WebGPU device was lost/;
    expect(await errorWhenKilled(/--type=gpu-process/)).toMatchObject({
      message: expect.stringMatching(reason),
    });
    await expect(opened.call('product', [[1], [1]])).rejects.toThrow(reason);
  });
});

describe('closing', () => {
  test.each<BackendTarget>([
    { runtime: 'node', backend: 'webgpu' },
    { runtime: 'chromium', backend: 'webgpu' },
  ])('leaves no process and no profile of $backend in $runtime', async (target) => {
    await open(target);
    const started = startedProcesses();
    expect(started.length).toBeGreaterThan(0);
    const profiles = started.flatMap(({ command }) => /--user-data-dir=(\S+)/.exec(command)?.[1] ?? []);
    expect(profiles.filter((folder) => fs.existsSync(folder)).length > 0).toBe(target.runtime === 'chromium');

    await opened.close();
    await allProcessesEnded();
    expect(profiles.filter((folder) => fs.existsSync(folder))).toEqual([]);
    await expect(opened.call('echo', 1)).rejects.toThrow("'echo' did not return");
  });

  test.each<BackendTarget>([
    { runtime: 'node', backend: 'cpu' },
    { runtime: 'chromium', backend: 'cpu' },
  ])('ends an endless loop in $runtime', async (target) => {
    await open(target);
    const rejection = opened.call('loopForever').catch((error: unknown) => error);
    await sleep(100);
    await opened.close();
    expect(await rejection).toBeInstanceOf(Error);
    await allProcessesEnded();
  });
});
