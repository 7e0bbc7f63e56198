import { chmodSync, mkdirSync, renameSync, rmSync } from 'node:fs';
import type { Tally } from '../tally.js';
import type { Workspace } from '../workspace.js';
import type { DiskRow } from './disk-rows.js';
import type { Fault } from './train-with-fault.js';
import { SmallDisk, type DiskKind } from './small-disk.js';

/** A save needs 380 kB before it removes older files. With more room than that, every save succeeds. */
const MAX_FREE_BYTES = 460_000;
/** A save creates four files before it removes any. */
const MAX_FREE_FILES = 7;
const LEVELS: Record<DiskKind, number> = { tmpfs: 40, ext4: 16, 'tmpfs with few files': MAX_FREE_FILES + 1 };
const QUICK_LEVELS = 3;

/** What a user may do with the folder of a training. */
const VANISHING: Readonly<Record<string, (folder: string) => void>> = {
  'removed folder': (folder) => {
    rmSync(folder, { recursive: true });
  },
  'folder moved away': (folder) => {
    renameSync(folder, `${folder}-moved`);
  },
  'emptied folder': (folder) => {
    rmSync(folder, { recursive: true });
    mkdirSync(folder);
  },
};

/** Something that keeps a folder from being written, and the folder's location. */
export interface DiskFault {
  readonly row: DiskRow;
  /** Shown in messages. */
  readonly name: string;
  /** The folder is created in it. */
  readonly parent: string;
  readonly makeFault: (folder: string) => Fault;
}

/** Every fault that can be caused on this machine. */
export function availableFaults(quick: boolean, tally: Tally<DiskRow>, workspace: Workspace): DiskFault[] {
  const faults: DiskFault[] = Object.keys(VANISHING).map((name) => vanishingFolder(name, workspace));
  for (const kind of Object.keys(LEVELS) as DiskKind[]) {
    try {
      const disk = SmallDisk.mount(kind, workspace);
      faults.push(...fullDisk(disk, quick ? QUICK_LEVELS : LEVELS[kind]));
      if (kind === 'tmpfs') faults.push(readOnlyDisk(disk));
    } catch (error) {
      tally.skip(
        `trainings on a full disk (${kind}), because it could not be mounted: ${(error as Error).message}. ` +
          '`npm test` covers full disks: it fails each call of a file system in turn.',
      );
    }
  }
  if (process.getuid?.() !== 0) faults.push(readOnlyFolder(workspace));
  return faults;
}

/** One fault for each level, from no free space to more than enough. */
function fullDisk(disk: SmallDisk, levels: number): DiskFault[] {
  const most = disk.kind === 'tmpfs with few files' ? MAX_FREE_FILES : MAX_FREE_BYTES;
  return Array.from({ length: levels }, (_, level) => {
    const free = Math.round((most * level) / (levels - 1));
    return {
      row: 'full',
      name: `${disk.kind} with room for ${free} ${disk.kind === 'tmpfs with few files' ? 'files' : 'bytes'}`,
      parent: disk.path,
      makeFault: () => ({
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

function readOnlyDisk(disk: SmallDisk): DiskFault {
  return {
    row: 'readOnly',
    name: 'disk mounted read-only',
    parent: disk.path,
    makeFault: () => ({
      begin: () => {
        disk.setReadOnly(true);
      },
      end: () => {
        disk.setReadOnly(false);
      },
    }),
  };
}

/** It has no effect for root. */
function readOnlyFolder(workspace: Workspace): DiskFault {
  return {
    row: 'readOnly',
    name: 'folder without write permission',
    parent: workspace.path,
    makeFault: (folder) => ({
      begin: () => {
        chmodSync(folder, 0o555);
      },
      end: () => {
        chmodSync(folder, 0o755);
      },
    }),
  };
}

function vanishingFolder(name: string, workspace: Workspace): DiskFault {
  return {
    row: 'removed',
    name,
    parent: workspace.path,
    makeFault: (folder) => ({
      begin: () => {
        VANISHING[name]!(folder);
      },
      end: () => undefined,
    }),
  };
}
