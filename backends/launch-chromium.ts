import { chromium, type Browser } from 'playwright-core';
import type { BackendName } from './backend-choice.js';
import { chromiumArguments } from './chromium-arguments.js';
import { chromiumFiles } from './chromium-files.js';
import { libraryEnvironment } from './shared-libraries.js';

/** How to start the Chromium of `@sparticuz/chromium`. */
export interface ChromiumOptions {
  readonly executablePath: string;
  readonly args: string[];
  readonly env: NodeJS.ProcessEnv;
}

/** What Playwright is to be given; unpacks the browser when that has not been done before. */
export async function chromiumOptions(backend: BackendName, useGpu = false): Promise<ChromiumOptions> {
  const { executable, libraryFolder } = await chromiumFiles();
  return {
    executablePath: executable,
    args: chromiumArguments(backend, useGpu),
    env: { ...process.env, ...(await libraryEnvironment(executable, libraryFolder)) },
  };
}

/** Starts a Chromium of its own, without a window. The caller closes it. */
export async function launchChromium(
  backend: BackendName,
  { useGpu = false, timeoutMs = 60_000 } = {},
): Promise<Browser> {
  return chromium.launch({ ...(await chromiumOptions(backend, useGpu)), timeout: timeoutMs });
}
