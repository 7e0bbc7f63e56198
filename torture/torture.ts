/**
 * Tests whether the checkpoints in a folder survive killed processes, full disks and damaged files.
 * `npm run torture -- --help` lists the flags. README.md beside this file describes the method.
 */
import { writeFileSync } from 'node:fs';
import { describeMachine } from '../benchmarks/machine.js';
import { parseFlags, type Flags } from './flags.js';
import { runCalls } from './calls/run-calls.js';
import { runDamage } from './damage/run-damage.js';
import { runDiskFaults } from './disk/run-disk-faults.js';
import { runKills } from './kill/run-kills.js';
import type { Part } from './parts.js';
import { isPassed, textReport, type Results } from './report.js';
import type { PartResult } from './tally.js';
import { useWasm } from './training/train.js';
import { Workspace } from './workspace.js';

const RUN: Record<Part, (flags: Flags, workspace: Workspace) => Promise<PartResult>> = {
  kill: runKills,
  'disk-full': runDiskFaults,
  calls: runCalls,
  damage: runDamage,
};

const args = process.argv.slice(2);
const flags = parseFlags(args);
const startMs = performance.now();
await useWasm();
const workspace = new Workspace(flags.keep);
const parts: PartResult[] = [];
// One after another: each part uses all cores.
for (const part of flags.only) parts.push(await RUN[part](flags, workspace));
const results: Results = {
  command: ['npm run torture', ...(args.length > 0 ? ['--', ...args] : [])].join(' '),
  isQuick: flags.quick,
  finishedAt: new Date().toISOString(),
  seconds: (performance.now() - startMs) / 1000,
  machine: describeMachine(),
  parts,
};
console.log(textReport(results));
if (flags.json !== undefined) writeFileSync(flags.json, `${JSON.stringify(results)}\n`);
process.exit(isPassed(results) ? 0 : 1);
