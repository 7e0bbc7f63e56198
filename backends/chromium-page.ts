import type { Browser, Page } from 'playwright-core';
import type { BackendName } from './backend-target.js';
import type { Connection } from './connection.js';
import type { Answer, Request } from './inside/request.js';
import { launchChromium } from './launch-chromium.js';
import { OutputTail } from './output-tail.js';
import { answerFetch, bundleForPage, SITE_URL } from './page-site.js';

/** Starts a new Chromium with one page. */
export async function connectToChromium(
  backend: BackendName,
  useGpu: boolean,
  entry: URL,
  timeoutMs: number,
): Promise<Connection> {
  const bundling = bundleForPage(entry);
  // Awaited below. It may fail before that.
  bundling.catch(() => undefined);
  const browser = await launchChromium(backend, { useGpu, timeoutMs });
  try {
    const script = await bundling;
    const page = await browser.newPage();
    // Before the page loads, so that the output of its first script is collected as well.
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
    // tfjs prints the errors of shader compilers to the console.
    const message = this.#output.appendedTo(answer.failure.message);
    return { failure: { ...answer.failure, message } };
  }

  async #ask(request: Request): Promise<Answer> {
    try {
      return await this.#page.evaluate((asked) => {
        const { answerBackendRequest: answer } = globalThis;
        if (answer === undefined) throw new Error('The page has not run its script.');
        return answer(asked);
      }, request);
    } catch (error) {
      // Playwright's error for a closed page may come before the event that has the reason.
      const isClosed = this.#page.isClosed() || !this.#browser.isConnected();
      throw isClosed ? new Error(await this.#ended, { cause: error }) : error;
    }
  }

  async close(): Promise<void> {
    await this.#browser.close();
  }
}

/** Resolves with the reason once the page cannot answer any more. */
function reasonOfEnd(browser: Browser, page: Page, output: OutputTail): Promise<string> {
  return new Promise((resolve) => {
    const end = (how: string) => {
      resolve(output.appendedTo(how));
    };
    // As in Node, an uncaught error ends the page: the call may wait for something that never happens now.
    page.once('pageerror', (error) => {
      end(`The page did not catch an error: ${error.stack ?? error.message}`);
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
