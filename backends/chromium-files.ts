import { execFile } from 'node:child_process';
import * as fs from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { basename, dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { createBrotliDecompress } from 'node:zlib';

/** The unpacked archives of `@sparticuz/chromium`. A folder is complete, or does not exist. */
export interface ChromiumFiles {
  readonly executable: string;
  /** SwiftShader: `libvk_swiftshader.so`, `libvulkan.so.1`, and the file by which Vulkan finds it. */
  readonly swiftShaderFolder: string;
  readonly vulkanDriverFile: string;
  /** NSS and other libraries, for systems that lack them. */
  readonly libraryFolder: string;
}

const CACHE = fileURLToPath(new URL('../node_modules/.cache/tfjs-entropy-checkpoint/', import.meta.url));
const execFileAsync = promisify(execFile);
const PARTIAL = '.partial-';
const ABANDONED_AFTER_MS = 600_000;

let unpacked: Promise<string> | undefined;

/** Unpacks the archives if they are not unpacked yet. */
export async function chromiumFiles(): Promise<ChromiumFiles> {
  const folder = await (unpacked ??= unpackOnce());
  return {
    executable: join(folder, 'chromium'),
    swiftShaderFolder: folder,
    vulkanDriverFile: join(folder, 'vk_swiftshader_icd.json'),
    libraryFolder: join(folder, 'lib'),
  };
}

async function unpackOnce(): Promise<string> {
  const system = `${process.platform}-${process.arch}`;
  if (system !== 'linux-x64') {
    throw new Error(
      `The Chromium and SwiftShader of @sparticuz/chromium need linux-x64. This system is ${system}.`,
    );
  }
  const packageFolder = join(dirname(createRequire(import.meta.url).resolve('@sparticuz/chromium')), '../..');
  const manifest = await readFile(join(packageFolder, 'package.json'), 'utf8');
  const { version } = JSON.parse(manifest) as { version: string };
  const folder = join(CACHE, `chromium-${version}`);
  if (!fs.existsSync(folder)) await unpackInto(folder, join(packageFolder, 'bin'));
  return folder;
}

async function unpackInto(folder: string, archives: string): Promise<void> {
  await mkdir(dirname(folder), { recursive: true });
  await removeAbandoned();
  const partial = await mkdtemp(`${folder}${PARTIAL}`);
  try {
    await Promise.all([
      decompress(join(archives, 'chromium.br'), join(partial, 'chromium')),
      unpackTar(join(archives, 'swiftshader.tar.br'), partial),
      unpackTar(join(archives, 'al2023.tar.br'), partial),
    ]);
    await rename(partial, folder);
  } catch (error) {
    // Another process has unpacked them meanwhile.
    if (!fs.existsSync(folder)) throw error;
  } finally {
    await rm(partial, { recursive: true, force: true });
  }
}

async function unpackTar(archive: string, folder: string): Promise<void> {
  const tar = join(folder, basename(archive, '.br'));
  await decompress(archive, tar);
  await execFileAsync('tar', ['-x', '--no-same-owner', '-f', tar, '-C', folder]);
  await rm(tar);
}

async function decompress(from: string, to: string): Promise<void> {
  const file = fs.createWriteStream(to, { mode: 0o755 });
  await pipeline(fs.createReadStream(from), createBrotliDecompress(), file);
}

/** Removes what processes left that were killed while they unpacked. */
async function removeAbandoned(): Promise<void> {
  for (const name of await readdir(CACHE)) {
    if (!name.includes(PARTIAL)) continue;
    const folder = join(CACHE, name);
    const info = await stat(folder).catch(() => null);
    if (info !== null && Date.now() - info.mtimeMs > ABANDONED_AFTER_MS) {
      await rm(folder, { recursive: true, force: true });
    }
  }
}
