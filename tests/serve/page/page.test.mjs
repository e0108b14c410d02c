// The page in a browser, with the real server and the bundled model.
//
//     node --test page.test.mjs        GRATING: the command, CHROMIUM: the browser, SHOTS: a folder for pictures
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";

import { openPage, rank, startBrowser, startServer } from "./browser.mjs";

const { GRATING: command, CHROMIUM: path, SHOTS: shots } = process.env;
const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const folder = mkdtempSync(join(tmpdir(), "grating-page-"));
let server;
let browser;

before(async () => {
  server = await startServer(command);
  browser = await startBrowser(path);
});

after(async () => {
  await browser?.close();
  await server?.stop();
  rmSync(folder, { recursive: true });
});

/** A test with a page of its own, which must not complain, nor ask anybody but the server. */
function onPage(name, options, body, { url = () => server.url, mayComplain = false } = {}) {
  test(name, { timeout: 60000 }, async (context) => {
    const page = await openPage(browser, url(), options);
    context.after(() => page.context().close());
    await body(page, context);
    if (!mayComplain) assert.deepEqual(page.complaints, []);
    for (const asked of page.asked) assert.ok(asked.startsWith(url()) || asked.startsWith("blob:"), asked);
  });
}

const status = (page, text) => page.getByRole("status").filter({ hasText: text }).waitFor();
const fault = (page, text) => page.getByRole("alert").filter({ hasText: text }).waitFor();
const texts = (page) => page.locator("#best .text").allTextContents();
const choose = (page, name, value) => page.locator(`#${name}`).fill(String(value));

async function findings(page) {
  await page.evaluate(axe);
  const { violations } = await page.evaluate(() => globalThis.axe.run());
  return violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(" ")}`);
}

async function picture(page, name) {
  if (shots) await page.screenshot({ path: join(shots, `${name}.png`), fullPage: true });
}

/** A file that is dropped on the page. */
const drop = (page, name, content) =>
  page.evaluate(
    ([name, content]) => {
      const data = new DataTransfer();
      data.items.add(new File([content], name));
      for (const kind of ["dragenter", "dragover", "drop"])
        document.body.dispatchEvent(new DragEvent(kind, { dataTransfer: data, bubbles: true, cancelable: true }));
    },
    [name, content],
  );

onPage("the first click ranks the example", {}, async (page) => {
  await status(page, "Ready");
  assert.deepEqual(await findings(page), []);
  await rank(page);
  const best = await texts(page);
  assert.equal(best.length, 5);
  assert.match(best[0], /^In complete darkness a barn owl/);
  assert.equal(await page.locator("#chart .line").count(), 15);
  assert.equal(await page.locator("#chart .line.best").count(), 5);
  assert.match(await page.locator("#numbers").textContent(), /Computed\d+ of 288 cells/);
  assert.match(await page.locator("#grid").getAttribute("aria-label"), /36 candidates and 8 layers/);
  await picture(page, "light");
});

onPage("layers are drawn as they arrive", {}, async (page) => {
  await page.evaluate(() => {
    globalThis.seen = new Set();
    new MutationObserver(() => globalThis.seen.add(document.getElementById("layer-out").textContent)).observe(document.getElementById("layer-out"), { childList: true });
  });
  await rank(page);
  const seen = await page.evaluate(() => [...globalThis.seen]);
  assert.ok(seen.includes("1 of 8") && seen.includes("2 of 8") && seen.includes("3 of 8"), seen.join());
});

onPage("a layer can be gone back to", {}, async (page) => {
  await rank(page);
  await choose(page, "layer", 1);
  assert.equal(await page.locator("#layer-out").textContent(), "1 of 8");
  assert.match(await page.locator("#numbers").textContent(), /Computed36 of 36 cells/);
  assert.match(await page.locator("#legend").textContent(), /computing \(/);
  await page.getByText("The same as a table").click();
  assert.equal(await page.locator("#table tbody tr").count(), 15);
  assert.deepEqual(await page.locator("#table thead th").allTextContents(), ["Rank", "Text", "What became of it", "Layer 1"]);
  assert.deepEqual(await findings(page), []);
});

onPage("the full pass agrees or says where not", {}, async (page) => {
  await rank(page);
  await page.getByRole("button", { name: "Compare with the full pass" }).click();
  await status(page, "Compared: ");
  const said = await page.locator("#comparison .said").textContent();
  assert.match(said, /^[345] of the full pass’s best 5 came back \(overlap@5 (1\.00|0\.[68]0)\)/);
  assert.match(await page.locator("#comparison table").first().textContent(), /Cells\d+ \(\d+ %\)288/);
  assert.equal(await page.locator("#comparison table").nth(1).locator("tbody tr").count(), 5);
  assert.deepEqual(await findings(page), []);
  await picture(page, "compared");
});

onPage("moving a slider ranks again", {}, async (page) => {
  await rank(page);
  await choose(page, "k", 3);
  await page.locator("#best-title").filter({ hasText: "The best 3" }).waitFor();
  await status(page, "ranked");
  await choose(page, "deadline", 1);
  await page.waitForRequest((request) => JSON.parse(request.postData() ?? "{}").grating?.deadline_ms === 20);
  await status(page, "ranked");
});

onPage("a deadline that passes at once, and a ranking that is stopped", {}, async (page) => {
  const lines = Array.from({ length: 1200 }, (_, at) => `Text ${at} tells of owls, mice and bread, and of what else there is in house and garden.`);
  await drop(page, "many.txt", lines.join("\n"));
  await choose(page, "k", 40);
  await choose(page, "deadline", 1);
  await rank(page);
  await status(page, "The deadline passed");
  assert.match(await page.locator("#chart").textContent(), /\d layers? not computed/);
  const [axis, saved] = await page.evaluate(() => ["#chart .axis", "#chart .saved"].map((name) => document.querySelector(name).getBBox().x));
  assert.ok(saved >= axis, `${saved} is left of the axis at ${axis}`);
  assert.equal(await page.locator("#best li").count(), 40);
  assert.equal(await page.locator("#best").locator("..").getAttribute("tabindex"), "0");
  assert.deepEqual(await findings(page), []);
  await page.locator("#again").uncheck();
  await choose(page, "deadline", 0);
  await page.getByRole("button", { name: "Rank", exact: true }).click();
  await page.getByRole("button", { name: "Stop" }).click();
  await status(page, "Stopped.");
  await page.waitForTimeout(500);
  await status(page, "Stopped.");
  assert.ok(await page.getByRole("button", { name: "Play" }).isDisabled());
});

onPage("a file of lines, of JSON and a table", {}, async (page) => {
  await drop(page, "notes.csv", 'id;remark\n1;"Owls hunt ""at night""; they\nhear mice"\n2;Bread rises\n3;\n');
  await status(page, "notes.csv is open");
  assert.match(await page.locator("#documents-hint").textContent(), /^2 texts; 1 without text/);
  await page.locator("#query").fill("owls");
  await rank(page);
  assert.equal((await texts(page))[0], 'Owls hunt "at night"; they\nhear mice');
  await page.locator("#file").setInputFiles({ name: "a.jsonl", mimeType: "text/plain", buffer: Buffer.from('{"title": "Birds", "text": "An owl"}\n"Bread"\n') });
  await status(page, "a.jsonl is open");
  await rank(page);
  assert.deepEqual(await texts(page), ["Birds An owl", "Bread"]);
  await drop(page, "broken.jsonl", '{"text": "a"}\n{"text"');
  await fault(page, "Line 2 is not JSON");
  await drop(page, "picture.txt", "\0\x01");
  await fault(page, "zero bytes");
});

onPage("a trace that the command saved, and one that the page saved", {}, async (page) => {
  const file = join(folder, "trace.json");
  const passages = join(folder, "passages.txt");
  const documents = (await page.locator("#documents").inputValue()).split("\n");
  writeFileSync(passages, documents.join("\n"));
  execFileSync(command, ["rank", "how do owls hunt", "-k", "4", "--trace", file, "--no-progress", passages], { stdio: "ignore" });
  await page.locator("#file").setInputFiles(file);
  await status(page, "A saved trace. 36 texts ranked");
  const printed = execFileSync(command, ["rank", "how do owls hunt", "-k", "4", "--json", "--no-progress", passages], { encoding: "utf8" });
  const expected = JSON.parse(printed).results.map(({ text }) => text.slice(0, 60));
  assert.deepEqual((await texts(page)).map((text) => text.slice(0, 60)), expected);
  assert.equal(await page.locator("#asked").textContent(), "how do owls hunt");
  assert.ok(await page.getByRole("button", { name: "Compare" }).isDisabled());
  await rank(page);
  const [download] = await Promise.all([page.waitForEvent("download"), page.getByRole("button", { name: "Save the trace" }).click()]);
  const saved = join(folder, "saved.json");
  await download.saveAs(saved);
  assert.match(execFileSync(command, ["plot", saved], { encoding: "utf8" }), /<svg/);
  const best = await texts(page);
  await page.locator("#file").setInputFiles(saved);
  await status(page, "A saved trace");
  assert.deepEqual((await texts(page)).map((text) => text.slice(0, 80)), best.map((text) => text.slice(0, 80)));
  await drop(page, "old.json", '{"format": "grating-trace", "version": 9}');
  await fault(page, "knows version 1");
  await drop(page, "old.json", '{"format": "grating-trace", "version": 1, "queries": [{"documents": [{"index": 7}], "steps": [], "n_layers": 2}]}');
  await fault(page, "a document with no index");
});

onPage("by keyboard alone", {}, async (page) => {
  await status(page, "Ready");
  const reached = [];
  const focused = () => page.evaluate(() => document.activeElement.id || document.activeElement.textContent.trim().slice(0, 30));
  for (let i = 0; i < 14 && reached.at(-1) !== "go"; i++) {
    await page.keyboard.press("Tab");
    reached.push(await focused());
  }
  assert.deepEqual(reached, ["Skip to the results", "theme", "example", "query", "documents", "file", "k", "precision", "deadline", "promise", "again", "go"]);
  await page.keyboard.press("Enter");
  await status(page, "ranked");
  await page.keyboard.press("Tab"); // "Stop" is disabled: on to the chart's best line
  const label = () => page.evaluate(() => document.activeElement.getAttribute("aria-label"));
  assert.match(await label(), /^Rank 1, sure at layer \d of 8: In complete/);
  assert.match(await page.locator("#detail").textContent(), /^Rank 1, .*: In complete darkness/);
  await page.keyboard.press("ArrowDown");
  assert.match(await label(), /^Rank 2, /);
  await page.keyboard.press("End");
  assert.match(await label(), /^Rank 15, dropped at/);
  await page.keyboard.press("Home");
  await page.keyboard.press("Tab");
  assert.equal(await focused(), "play");
  await page.keyboard.press("Tab");
  await page.keyboard.press("ArrowLeft");
  assert.notEqual(await page.locator("#layer").inputValue(), await page.locator("#layer").getAttribute("max"));
});

onPage("dark by the system's setting, and by the switch", { colorScheme: "dark" }, async (page) => {
  const ground = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
  const dark = await ground();
  await rank(page);
  await page.getByRole("button", { name: "Compare with the full pass" }).click();
  await status(page, "Compared");
  assert.deepEqual(await findings(page), []);
  await picture(page, "dark");
  await page.locator("#theme").selectOption("light");
  assert.notEqual(await ground(), dark);
  await page.reload();
  assert.equal(await page.locator("#theme").inputValue(), "light");
  assert.notEqual(await ground(), dark);
});

onPage("narrow", { width: 320, height: 640, reducedMotion: "reduce" }, async (page) => {
  await rank(page);
  await page.getByRole("button", { name: "Compare with the full pass" }).click();
  await status(page, "Compared");
  await page.getByText("The same as a table").click();
  const width = await page.evaluate(() => document.documentElement.scrollWidth);
  assert.equal(width, 320, "nothing is to be scrolled sideways");
  assert.deepEqual(await findings(page), []);
  const small = await page.evaluate(() =>
    [...document.querySelectorAll("button, select, textarea, summary, input:not(.unseen)")]
      .filter((node) => node.checkVisibility() && node.type !== "checkbox" && node.getBoundingClientRect().height < 24)
      .map((node) => node.id || node.tagName));
  assert.deepEqual(small, []);
  await picture(page, "narrow");
});

onPage("nothing is asked for without a question or texts", {}, async (page) => {
  await page.locator("#query").fill("  ");
  await page.getByRole("button", { name: "Rank", exact: true }).click();
  await fault(page, "Write a question first");
  assert.equal(await page.evaluate(() => document.activeElement.id), "query");
  await page.locator("#query").fill("owls");
  await page.locator("#documents").fill("\n \n");
  await page.getByRole("button", { name: "Rank", exact: true }).click();
  await fault(page, "There are no texts");
  assert.equal(await page.locator("#k").inputValue(), "1");
  await page.locator("#documents").fill("<img src=x onerror=alert(1)>\n</script>&amp;");
  await rank(page);
  assert.ok((await texts(page)).includes("<img src=x onerror=alert(1)>"));
});

test("a server that wants a key", { timeout: 60000 }, async (context) => {
  const keyed = await startServer(command, "--api-key", "open sesame");
  context.after(() => keyed.stop());
  const page = await openPage(browser, keyed.url);
  context.after(() => page.context().close());
  await fault(page, "wants an API key");
  assert.equal(await page.evaluate(() => document.activeElement.id), "key");
  await page.locator("#key").fill("wrong");
  await page.keyboard.press("Tab");
  await fault(page, "The API key is not right");
  assert.deepEqual(await findings(page), []);
  await page.locator("#key").fill("open sesame");
  await page.keyboard.press("Tab");
  await status(page, "Ready");
  await rank(page);
  assert.equal(await page.evaluate(() => Object.values(localStorage).concat(document.cookie).join("")), "");
});

test("a server that goes away, and comes back with what it had to say", { timeout: 60000 }, async (context) => {
  const other = await startServer(command);
  const port = new URL(other.url).port;
  const page = await openPage(browser, other.url);
  context.after(() => page.context().close());
  await rank(page);
  await other.stop();
  await page.getByRole("button", { name: "Rank", exact: true }).click();
  await fault(page, "cannot be reached");
  assert.deepEqual(await findings(page), []);
  // In its place, one that plays what a busy or broken server says.
  const answers = [
    [503, { "Retry-After": "2" }, '{"message": "Loading model"}'],
    [429, { "Retry-After": "7" }, '{"message": "the queue is full"}'],
    [422, {}, '{"message": "document 3 is too long"}'],
    [502, {}, "<html>Bad Gateway</html>"],
    [200, { "Content-Type": "text/event-stream" }, 'event: error\ndata: {"message": "out of memory"}\n\n'],
    [200, { "Content-Type": "text/event-stream" }, ": ranking\n\n"],
  ];
  const fake = createServer((request, response) => {
    const [code, headers, body] = answers.shift();
    request.resume().on("end", () => response.writeHead(code, headers).end(body));
  });
  await new Promise((resolve) => fake.listen(port, "127.0.0.1", resolve));
  context.after(() => fake.close());
  const again = () => page.getByRole("button", { name: "Try again" }).click();
  await again();
  await status(page, "The model is being opened");
  await fault(page, "too much to do. Try again in 7 s.");
  await again();
  await fault(page, "document 3 is too long");
  await again();
  await fault(page, "status 502");
  await again();
  await fault(page, "The ranking failed: out of memory");
  await again();
  await fault(page, "ended the connection before the result");
});
