import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { gzipSync } from 'node:zlib';
import { expect, test } from '@jest/globals';
import { launchChromium } from '../../backends/launch-chromium.js';
import { serveFolder } from '../../examples/browser/static-site.js';
import { visit } from '../../scripts/page-visit.js';

test('a visit counts bytes, requests, and the shifts that no input caused', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'visit-'));
  const site = await serveFolder(folder, '/');
  const browser = await launchChromium('cpu');
  try {
    const html =
      '<!doctype html><link rel="icon" href="data:,"><body style="margin:0"><div id="late"></div>' +
      '<div id="block" style="height:400px;background:teal">text</div><script src="a.js"></script>';
    const script = '// comment '.repeat(100);
    await writeFile(join(folder, 'index.html'), html);
    await writeFile(join(folder, 'a.js'), script);
    const still = await visit(browser, site.url, { width: 1280 });
    expect(still).toMatchObject({ requests: 2, shift: 0, shifted: [] });
    expect(still.bytes).toBe(gzipSync(html).length + gzipSync(script).length);
    const act = (page: { evaluate(code: string): Promise<unknown> }): Promise<unknown> =>
      page.evaluate("document.querySelector('#late').style.height = '200px'");
    const shifting = await visit(browser, site.url, { width: 1280, act });
    expect(shifting.shifted).toContain('div#block');
    // Of 800 pixels, 600 are affected, and they move by 200 of 1280.
    expect(shifting.shift).toBeCloseTo((600 / 800) * (200 / 1280), 3);
  } finally {
    await browser.close();
    await site.close();
    await rm(folder, { recursive: true, force: true });
  }
});

test('reports, the documentation and the live page keep their budgets, through a training as well', async () => {
  const root = resolve(import.meta.dirname, '../..');
  const args = ['--import', 'tsx', 'scripts/budgets.ts'];
  const { stdout } = await promisify(execFile)(process.execPath, args, { cwd: root });
  const rows = stdout.split('\n').filter((line) => /\| (1280|390) \|/.test(line));
  expect(rows).toHaveLength(12);
});
