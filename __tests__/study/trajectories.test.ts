import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { appendFileSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { TrajectoryFile, type Trajectory } from '../../study/trajectories.js';
import { signalsOf } from './fixtures/signals.js';

let folder = '';
const path = () => join(folder, 'trajectories.jsonl.gz');

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'trajectories-test-'));
});

afterEach(() => {
  rmSync(folder, { recursive: true });
});

const trajectory = (seed: number): Trajectory => ({
  cell: { task: 'glosses', noise: 'pair-30', network: 'dense', optimizer: 'sgd-large', seed },
  signals: signalsOf({ 'val-loss': [seed, seed / 3] }, 2),
  averaged: {},
});

test('a new instance reads what was appended, in order', () => {
  const file = new TrajectoryFile(path());
  expect(file.read()).toEqual([]);
  file.append(trajectory(1));
  file.append(trajectory(2));
  expect(new TrajectoryFile(path()).read()).toEqual([trajectory(1), trajectory(2)]);
});

test('a line that was cut off loses no other line', () => {
  const file = new TrajectoryFile(path());
  file.append(trajectory(1));
  appendFileSync(join(folder, 'trajectories.jsonl'), JSON.stringify(trajectory(2)).slice(0, 100));
  file.append(trajectory(3));
  expect(file.read()).toEqual([trajectory(1), trajectory(3)]);
});

test('packed and appended trajectories are read together, each once', () => {
  const file = new TrajectoryFile(path());
  file.append(trajectory(2));
  file.pack([trajectory(1), trajectory(2)]);
  expect(readdirSync(folder).sort()).toEqual(['trajectories.jsonl', 'trajectories.jsonl.gz']);
  file.append(trajectory(3));
  file.append(trajectory(2));
  expect(file.read()).toEqual([trajectory(1), trajectory(2), trajectory(3)]);
});
