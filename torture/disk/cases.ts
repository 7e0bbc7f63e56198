import { chmodSync, rmSync } from 'node:fs';
import type { Tally } from '../tally.js';
import type { Workspace } from '../workspace.js';
import type { DiskRow } from './disk-rows.js';
import type { Hindrance } from './hindered-training.js';
import { SmallDisk, type DiskKind } from './small-disk.js';

/** A save takes 380 kB before what is older is removed: with more room than that everything fits in. */
const MOST_BYTES = 460_000;
/** A save makes four files before it removes any. */
const MOST_FILES = 7;
const LEVELS: Record<DiskKind, number> = { tmpfs: 40, ext4: 16, 'tmpfs of few files': MOST_FILES + 1 };
const QUICK_LEVELS = 3;

/** Something that keeps a folder from being written to. */
export interface Case {
  readonly row: DiskRow;
  /** For messages. */
  readonly name: string;
  /** Where the folder is to be made. */
  readonly parent: string;
  readonly hinder: (folder: string) => Hindrance;
}

/** All that can be tried on this machine. */
export function casesHere(quick: boolean, tally: Tally<DiskRow>, workspace: Workspace): Case[] {
  const cases: Case[] = [removedFolder(workspace)];
  for (const kind of Object.keys(LEVELS) as DiskKind[]) {
    try {
      const disk = SmallDisk.mount(kind, workspace);
      cases.push(...fullDisk(disk, quick ? QUICK_LEVELS : LEVELS[kind]));
      if (kind === 'tmpfs') cases.push(readOnlyDisk(disk));
    } catch (error) {
      tally.skip(
        `trainings on a full disk (${kind}), which could not be mounted here (${(error as Error).message}): \`npm test\` ` +
          'covers full disks by file systems of which each call in turn fails.',
      );
    }
  }
  if (process.getuid?.() !== 0) cases.push(readOnlyFolder(workspace));
  return cases;
}

/** From no room at all to more than enough. */
function fullDisk(disk: SmallDisk, levels: number): Case[] {
  const most = disk.kind === 'tmpfs of few files' ? MOST_FILES : MOST_BYTES;
  return Array.from({ length: levels }, (_, level) => {
    const free = Math.round((most * level) / (levels - 1));
    return {
      row: 'full',
      name: `${disk.kind} with room for ${free} ${disk.kind === 'tmpfs of few files' ? 'files' : 'bytes'}`,
      parent: disk.path,
      hinder: () => ({
        begin: () => {
          disk.leave(free);
        },
        end: () => {
          disk.makeRoom();
        },
      }),
    };
  });
}

function readOnlyDisk(disk: SmallDisk): Case {
  return {
    row: 'readOnly',
    name: 'disk that is mounted read-only',
    parent: disk.path,
    hinder: () => ({
      begin: () => {
        disk.setReadOnly(true);
      },
      end: () => {
        disk.setReadOnly(false);
      },
    }),
  };
}

/** Root may write all the same. */
function readOnlyFolder(workspace: Workspace): Case {
  return {
    row: 'readOnly',
    name: 'folder without permission to write',
    parent: workspace.path,
    hinder: (folder) => ({
      begin: () => {
        chmodSync(folder, 0o555);
      },
      end: () => {
        chmodSync(folder, 0o755);
      },
    }),
  };
}

function removedFolder(workspace: Workspace): Case {
  return {
    row: 'removed',
    name: 'folder that is removed',
    parent: workspace.path,
    hinder: (folder) => ({
      begin: () => {
        rmSync(folder, { recursive: true });
      },
      end: () => undefined,
    }),
  };
}
