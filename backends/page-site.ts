import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { Route } from 'playwright-core';

const ROOT = fileURLToPath(new URL('..', import.meta.url));

/** Nothing listens at this URL. WebGPU and IndexedDB need a secure origin, and localhost is one. */
export const SITE_URL = 'http://localhost/';

const BUNDLE_ARGUMENTS = [
  '--bundle',
  '--platform=browser',
  '--format=esm',
  '--target=es2022',
  '--loader=ts',
  '--sourcefile=page.ts',
  '--log-level=error',
  '--color=false',
  // Overrides `paths` of tsconfig.json, where '#platform' is the module for Node.
  '--alias:#platform=./src/stores/browser-stores.ts',
  '--alias:tfjs-entropy-checkpoint=./src/index.ts',
];
const MAX_BUNDLE_BYTES = 2 ** 26;

const execFileAsync = promisify(execFile);

const PAGE =
  '<!doctype html><meta charset="utf-8"><link rel="icon" href="data:,"><script type="module" src="/page.js"></script>';

/** Answers the page's requests without a server. */
export async function answerFetch(route: Route, script: string): Promise<void> {
  const url = new URL(route.request().url());
  if (url.origin !== new URL(SITE_URL).origin) return route.abort();
  if (url.pathname === '/') return route.fulfill({ contentType: 'text/html', body: PAGE });
  if (url.pathname === '/page.js') return route.fulfill({ contentType: 'text/javascript', body: script });
  const wasm = /^\/wasm\/([\w-]+\.wasm)$/.exec(url.pathname)?.[1];
  if (wasm === undefined) return route.fulfill({ status: 404 });
  const folder = dirname(createRequire(import.meta.url).resolve('@tensorflow/tfjs-backend-wasm'));
  return route.fulfill({ contentType: 'application/wasm', body: await readFile(join(folder, wasm)) });
}

/** Bundles tfjs, the entry module and the code that answers requests into one script. */
export async function bundleForPage(entry: URL): Promise<string> {
  const source = `
    import { runInPage } from './backends/inside/run-in-page.ts';
    runInPage(() => import(${JSON.stringify(fileURLToPath(entry))}));
  `;
  // By the command line: esbuild's functions leave a process behind that waits for more work.
  const esbuild = createRequire(import.meta.url).resolve('esbuild/bin/esbuild');
  const bundling = execFileAsync(esbuild, BUNDLE_ARGUMENTS, { cwd: ROOT, maxBuffer: MAX_BUNDLE_BYTES });
  bundling.child.stdin?.end(source);
  return (await bundling).stdout;
}
