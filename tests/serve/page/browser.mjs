// The real server and a real browser, for tests of the page.
import { spawn } from "node:child_process";
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";

const { chromium } = createRequire(import.meta.url)("playwright-core");

// What the tests say about layers and orders is this model's.
const model = fileURLToPath(new URL("../../../models/grating-mini", import.meta.url));

/** `grating serve` on a port of its own: {url, stop()}. */
export async function startServer(command, ...options) {
  const own = options.includes("-m") ? [] : ["-m", `grating-mini=${model}`];
  const child = spawn(command, ["serve", "--port", "0", ...own, ...options], { stdio: ["ignore", "ignore", "pipe"] });
  let log = "";
  const url = await new Promise((resolve, reject) => {
    child.stderr.on("data", (piece) => {
      log += piece;
      const found = /listening at (https?:\/\/\S+)/.exec(log);
      if (found) resolve(found[1]);
    });
    child.on("exit", () => reject(new Error(`the server ended: ${log}`)));
  });
  const ended = new Promise((resolve) => child.on("exit", resolve));
  return {
    url,
    log: () => log,
    stop: (signal = "SIGTERM") => {
      child.kill(signal);
      return ended;
    },
  };
}

export function startBrowser(path) {
  return chromium.launch({ executablePath: path, args: ["--no-sandbox", "--disable-gpu"] });
}

/** A page whose complaints are kept: errors of scripts, of the console, and requests that fail. */
export async function openPage(browser, url, { width = 1360, height = 1000, ...options } = {}) {
  const context = await browser.newContext({ viewport: { width, height }, ...options });
  const page = await context.newPage();
  page.complaints = [];
  page.asked = [];
  page.on("pageerror", (error) => page.complaints.push(String(error)));
  page.on("console", (message) => message.type() === "error" && page.complaints.push(message.text()));
  page.on("request", (request) => page.asked.push(request.url()));
  await page.goto(url);
  return page;
}

/** Presses the button and waits until the ranking is shown. */
export async function rank(page) {
  await page.getByRole("button", { name: "Rank", exact: true }).click();
  await page.locator("#shown[aria-busy=false]").waitFor();
  await page.getByRole("status").filter({ hasText: /^[\d,]+ texts? ranked/ }).waitFor();
}
