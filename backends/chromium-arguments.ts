import type { BackendName } from './backend-target.js';

const COMMON = [
  '--no-sandbox',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

const SOFTWARE = ['--use-angle=swiftshader', '--enable-unsafe-swiftshader'];

const SOFTWARE_WEBGPU = [
  '--enable-unsafe-webgpu',
  '--use-webgpu-adapter=swiftshader',
  // Without these two, `dataSync()` reads wrong values.
  '--enable-features=Vulkan',
  '--use-vulkan=swiftshader',
];

const GPU = [
  '--use-angle=vulkan',
  '--enable-features=Vulkan',
  '--enable-unsafe-webgpu',
  '--ignore-gpu-blocklist',
];

/** The command line of Chromium. Playwright adds `--headless` and the folder of the profile. */
export function chromiumArguments(backend: BackendName, useGpu: boolean): string[] {
  if (useGpu) return [...COMMON, ...GPU];
  return [...COMMON, ...SOFTWARE, ...(backend === 'webgpu' ? SOFTWARE_WEBGPU : [])];
}
