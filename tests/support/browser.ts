/** The system's Chromium, driven by playwright-core. */

import { mkdirSync } from "node:fs";
import { tmpdir, userInfo } from "node:os";
import { join } from "node:path";
import { type Browser, type BrowserContextOptions, chromium, type Page } from "playwright-core";

/** undefined where it is not installed. */
export const CHROMIUM: string | undefined =
  Bun.which("chromium") ?? Bun.which("chromium-browser") ?? Bun.which("google-chrome") ?? undefined;

/** As test names say it. */
export const WHY_NO_BROWSER = CHROMIUM === undefined ? "(not tried: there is no Chromium)" : "";

const FLAGS = [
  ...["--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-sync"],
  ...["--disable-background-networking", "--disable-component-update"],
];

export interface OpenedPage extends AsyncDisposable {
  readonly page: Page;
  /** Whatever was asked of another address than that of the page. */
  readonly foreign: readonly string[];
  /** What went wrong in its scripts, refusals of its policy included. */
  readonly errors: readonly string[];
}

/** With a profile of its own, which goes with it. */
export async function openBrowser(): Promise<Browser> {
  return chromium.launch({ ...(CHROMIUM ? { executablePath: CHROMIUM } : {}), args: FLAGS });
}

export async function openPage(
  browser: Browser,
  address: string,
  options: BrowserContextOptions = {},
): Promise<OpenedPage> {
  const context = await browser.newContext(options);
  const page = await context.newPage();
  const foreign: string[] = [];
  const errors: string[] = [];
  page.on("request", (request) => {
    const own = [address, "blob:", "data:"].some((start) => request.url().startsWith(start));
    if (!own) foreign.push(request.url());
  });
  page.on("pageerror", (error) => errors.push(error.message));
  page.on("console", (said) => {
    // an answer that is no 200 is told there too, and is none of the page's errors
    if (said.type() === "error" && !said.text().startsWith("Failed to load")) {
      errors.push(said.text());
    }
  });
  await page.goto(address);
  return { page, foreign, errors, [Symbol.asyncDispose]: () => context.close() };
}

/** Into a folder of temporary files, for people to look at; the next run writes over it. */
export async function screenshot(page: Page, name: string): Promise<Uint8Array> {
  const dir = join(tmpdir(), `mir-screenshots-${userInfo().uid}`);
  mkdirSync(dir, { recursive: true, mode: 0o700 });
  return page.screenshot({ path: join(dir, `${name}.png`), fullPage: true });
}
