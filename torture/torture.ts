/**
 * Whether checkpoints in a folder survive what may happen to them: processes that are killed, disks that are
 * full, files that are damaged. `npm run torture -- --help` lists the flags; README.md beside this file says
 * how it is done.
 */
import { writeFileSync } from 'node:fs';
import { describeMachine } from '../benchmarks/machine.js';
import { parseFlags, type Flags } from './flags.js';
import { runDamages } from './damage/damage.js';
import { runFullDisks } from './disk/disk-full.js';
import { runKills } from './kill/kill.js';
import type { Part } from './parts.js';
import { isPassed, textReport, type Results } from './report.js';
import type { PartResult } from './tally.js';
import { useWasm } from './training/train.js';
import { Workspace } from './workspace.js';

const RUN: Record<Part, (flags: Flags, workspace: Workspace) => Promise<PartResult>> = {
  kill: runKills,
  'disk-full': runFullDisks,
  damage: runDamages,
};

const args = process.argv.slice(2);
const flags = parseFlags(args);
const startMs = performance.now();
await useWasm();
const workspace = new Workspace(flags.keep);
const parts: PartResult[] = [];
// One after the other: a part takes all cores.
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
