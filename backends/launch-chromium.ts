import { chromium, type Browser } from 'playwright-core';
import type { BackendName } from './backend-target.js';
import { chromiumArguments } from './chromium-arguments.js';
import { chromiumFiles } from './chromium-files.js';
import { libraryEnvironment } from './shared-libraries.js';

/** How to start the Chromium of `@sparticuz/chromium`. */
export interface ChromiumOptions {
  readonly executablePath: string;
  readonly args: string[];
  readonly env: NodeJS.ProcessEnv;
}

/** The options for Playwright. Unpacks the browser if it is not unpacked yet. */
export async function chromiumOptions(backend: BackendName, useGpu = false): Promise<ChromiumOptions> {
  const { executable, libraryFolder } = await chromiumFiles();
  return {
    executablePath: executable,
    args: chromiumArguments(backend, useGpu),
    env: { ...process.env, ...(await libraryEnvironment(executable, libraryFolder)) },
  };
}

/** Starts a new headless Chromium. The caller closes it. */
export async function launchChromium(
  backend: BackendName,
  { useGpu = false, timeoutMs = 60_000 } = {},
): Promise<Browser> {
  return chromium.launch({ ...(await chromiumOptions(backend, useGpu)), timeout: timeoutMs });
}
