import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { Queue } from 'bullmq';
import { connectRedis } from '../../examples/sweep/queue/redis.js';
import { queueOf } from '../../examples/sweep/settings.js';
import { pause } from '../support/pause.js';
import { runScript, type ScriptOutput } from '../support/run-script.js';
import { indexOf } from './support/clean-up.js';
import { RedisServer } from './support/redis-server.js';
import { BUCKET, S3Server } from './support/s3-server.js';
import { freePort } from '../support/server-process.js';

const FOLDER = mkdtempSync(join(tmpdir(), 'sweep-command-'));
const SMALL = [
  ...['--epochs', '3', '--rows', '200', '--seeds', '1,2', '--monitors', 'val_acc', '--backend', 'cpu'],
  ...['--workers', '1', '--lease-seconds', '3', '--report', join(FOLDER, 'report')],
];
let server: RedisServer;
let s3: S3Server;

beforeAll(async () => {
  [server, s3] = await Promise.all([RedisServer.start(), S3Server.start()]);
});

afterAll(async () => {
  await Promise.all([server.kill(), s3.stop()]);
  rmSync(FOLDER, { recursive: true });
});

/** Runs the command with the store's environment. */
function sweep(args: readonly string[]): Promise<ScriptOutput> {
  return runScript('examples/sweep/main.ts', args, s3.env);
}

test('prints a table of the results and writes a report, and the same again from what is stored', async () => {
  const args = ['--redis', server.url, '--store', `s3://${BUCKET}/command`, ...SMALL];
  const first = await sweep(args);
  expect(first).toMatchObject({ status: 0 });
  expect(first.stdout).toMatch(/│ blobs │ symmetric-40 │ +1 │ val_acc │ +\d │ +[\d.]+ % │/);
  expect(first.stdout).toMatch(/│ val_acc │ +2 │/);
  expect(readdirSync(join(FOLDER, 'report'))).toEqual(['blobs-symmetric-40.html']);
  const page = readFileSync(join(FOLDER, 'report', 'blobs-symmetric-40.html'), 'utf8');
  expect(page).toContain('val_acc, seed 1');
  expect(page).toContain('val_acc, seed 2');

  const stored = await s3.list('command/');
  const second = await sweep(args);
  expect(second).toMatchObject({ status: 0 });
  const tableOf = ({ stdout }: ScriptOutput): string => stdout.slice(stdout.indexOf('┌'));
  expect(tableOf(second)).toBe(tableOf(first));
  expect(await s3.list('command/')).toEqual(stored);
});

test('Ctrl-C lets each training store its epoch, and releases it', async () => {
  const prefix = 'interrupted';
  const training = ['--seeds', '1', '--epochs', '500'];
  const args = ['--redis', server.url, '--store', `s3://${BUCKET}/${prefix}`, ...SMALL, ...training];
  const command = ['--import', 'tsx', 'examples/sweep/main.ts', ...args];
  // In another group, as that of a terminal.
  const child = spawn(process.execPath, command, { env: s3.env, detached: true, stdio: 'ignore' });
  const ended = once(child, 'exit');
  const index = `${prefix}/blobs-symmetric-40-val_acc-1`;
  const hasSaved = async () => Object.keys((await indexOf(s3, index)).slots).length > 0;
  while (child.exitCode === null && !(await hasSaved().catch(() => false))) await pause();
  process.kill(-child.pid!, 'SIGINT');
  expect(await ended).toEqual([130, null]);
  // A worker that was killed would still have the lease.
  expect(await indexOf(s3, index)).toMatchObject({ owner: null });
  const redis = await connectRedis(server.url);
  const queue = new Queue(queueOf(`s3://${BUCKET}/${prefix}`), { connection: redis });
  expect(await queue.getJobCounts('wait', 'active', 'failed')).toEqual({ wait: 1, active: 0, failed: 0 });
  await queue.close();
  redis.disconnect();
});

test('other settings than those in the queue are refused before anything is changed', async () => {
  const store = ['--redis', server.url, '--store', join(FOLDER, 'store'), ...SMALL];
  expect(await sweep([...store, '--workers', '1'])).toMatchObject({ status: 0 });
  const { status, stderr } = await sweep([...store, '--epochs', '4']);
  expect(status).toBe(1);
  expect(stderr).toContain('epochs is 3 instead of 4');
});

test('says where no Redis is, and ends', async () => {
  const url = `redis://127.0.0.1:${await freePort()}`;
  const { status, stderr } = await sweep(['--redis', url, '--store', join(FOLDER, 'none')]);
  expect(status).toBe(1);
  expect(stderr).toContain(`Expected Redis at ${url}, got: connect ECONNREFUSED`);
});

test('--help answers without a queue', async () => {
  const { status, stdout } = await sweep(['--help']);
  expect(status).toBe(0);
  expect(stdout).toContain('--lease-seconds <count>');
});

test.each([
  [['--store', 'x'], 'required option'],
  [['--redis', 'http://x', '--store', 'x'], 'Expected a URL such as redis://127.0.0.1:6379.'],
  [['--redis', 'redis://x', '--store', 'ftp://x'], 'Expected s3://bucket/prefix'],
  [['--redis', 'redis://x', '--store', 'x', '--seeds', '5-1'], 'Expected numbers from 0 up'],
  [['--redis', 'redis://x', '--store', 'x', '--lease-seconds', '2'], 'Expected an integer from 3 to 3600.'],
])('refuses %j', async (args, reason) => {
  const { status, stderr } = await sweep(args);
  expect(status).toBe(2);
  expect(stderr).toContain(reason);
});
