import { chromium, type Browser } from 'playwright-core';
import type { BackendName } from './backend-choice.js';
import { chromiumArguments } from './chromium-arguments.js';
import { chromiumFiles } from './chromium-files.js';
import { libraryEnvironment } from './shared-libraries.js';

/** Starts a Chromium of its own, without a window. The caller closes it. */
export async function launchChromium(
  backend: BackendName,
  { useGpu = false, timeoutMs = 60_000 } = {},
): Promise<Browser> {
  const { executable, libraryFolder } = await chromiumFiles();
  return chromium.launch({
    executablePath: executable,
    args: chromiumArguments(backend, useGpu),
    env: { ...process.env, ...(await libraryEnvironment(executable, libraryFolder)) },
    timeout: timeoutMs,
  });
}
