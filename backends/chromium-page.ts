import type { Browser, Page } from 'playwright-core';
import type { BackendName } from './backend-choice.js';
import type { Connection } from './connection.js';
import type { Answer, Request } from './inside/request.js';
import { launchChromium } from './launch-chromium.js';
import { OutputTail } from './output-tail.js';
import { answerFetch, bundleForPage, SITE_URL } from './page-site.js';

/** Starts a Chromium of its own, with one page in it. */
export async function connectToChromium(
  backend: BackendName,
  useGpu: boolean,
  entry: URL,
  timeoutMs: number,
): Promise<Connection> {
  const bundling = bundleForPage(entry);
  // Waited for further down; it may fail before.
  bundling.catch(() => undefined);
  const browser = await launchChromium(backend, { useGpu, timeoutMs });
  try {
    const script = await bundling;
    const page = await browser.newPage();
    // From the first script on: what it says in its errors is wanted, too.
    const connection = new PageConnection(browser, page);
    await page.route('**/*', (route) => answerFetch(route, script));
    await page.goto(SITE_URL, { timeout: timeoutMs });
    return connection;
  } catch (error) {
    await browser.close();
    throw error;
  }
}

class PageConnection implements Connection {
  readonly #browser: Browser;
  readonly #page: Page;
  readonly #output = new OutputTail();
  readonly #ended: Promise<string>;

  constructor(browser: Browser, page: Page) {
    this.#browser = browser;
    this.#page = page;
    page.on('console', (message) => {
      this.#output.add(`${message.text()}\n`);
    });
    this.#ended = reasonOfEnd(browser, page, this.#output);
  }

  async request(request: Request): Promise<Answer> {
    this.#output.clear();
    const ended = this.#ended.then((reason) => Promise.reject(new Error(reason)));
    const answer = await Promise.race([this.#ask(request), ended]);
    if (!('failure' in answer)) return answer;
    // tfjs prints there what a compiler of shaders has to say.
    const message = this.#output.appendedTo(answer.failure.message);
    return { failure: { ...answer.failure, message } };
  }

  async #ask(request: Request): Promise<Answer> {
    try {
      return await this.#page.evaluate((asked) => {
        const { answerBackendRequest: answer } = globalThis;
        if (answer === undefined) throw new Error('The script of the page has not run.');
        return answer(asked);
      }, request);
    } catch (error) {
      // Playwright's own error for a page that is gone may come before the event that has the reason.
      const isGone = this.#page.isClosed() || !this.#browser.isConnected();
      throw isGone ? new Error(await this.#ended, { cause: error }) : error;
    }
  }

  async close(): Promise<void> {
    await this.#browser.close();
  }
}

/** Resolves once nothing can be expected any more of the page. */
function reasonOfEnd(browser: Browser, page: Page, output: OutputTail): Promise<string> {
  return new Promise((resolve) => {
    const end = (how: string) => {
      resolve(output.appendedTo(how));
    };
    // As in Node: what was to go on after it may be waited for without end.
    page.once('pageerror', (error) => {
      end(`An error was not caught in the page: ${error.stack ?? error.message}`);
    });
    page.once('crash', () => {
      end('The page crashed.');
    });
    page.once('close', () => {
      end('The page was closed.');
    });
    browser.once('disconnected', () => {
      end('Chromium ended.');
    });
  });
}
