import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { cellId } from '../../study/grid.js';
import type { Trajectory } from '../../study/trajectories.js';
import { runScript } from '../support/run-script.js';
import { RedisServer } from './support/redis-server.js';
import { freePort } from '../support/server-process.js';

let server: RedisServer;

beforeAll(async () => {
  server = await RedisServer.start();
});

afterAll(() => server.kill());

/** The trajectories that a machine records, by cell. */
async function record(...args: readonly string[]): Promise<Trajectory[]> {
  const { status, stdout, stderr } = await runScript('__tests__/sweep/fixtures/study-cells.ts', args);
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  const recorded = stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Trajectory);
  return recorded.sort((a, b) => cellId(a.cell).localeCompare(cellId(b.cell)));
}

test('two machines that share a queue record the same trajectories as one alone, to the last digit', async () => {
  const alone = await record();
  const shared = await Promise.all([record(server.url), record(server.url)]);
  expect(alone.length).toBe(2);
  expect(alone[0]!.signals['val-loss'].length).toBe(30);
  expect(shared).toEqual([alone, alone]);
});

test('the study says where no Redis is, and ends', async () => {
  const url = `redis://127.0.0.1:${await freePort()}`;
  const { status, stderr } = await runScript('study/study.ts', ['--preset', 'quick', '--redis', url]);
  expect(status).toBe(1);
  expect(stderr).toContain(`Expected Redis at ${url}, got: connect ECONNREFUSED`);
});
