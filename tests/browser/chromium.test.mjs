// A headless Chromium whose only way is the relay. Run by ctest (label browser); by hand:
//   npm ci && TURNBUCKLE=../../build/dev/turnbuckle node --test chromium.test.mjs
import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";

import { chromium } from "playwright-core";

import { issueCertificate, trust } from "./certificates.mjs";
import { assertRelayedCall, assertServerRelayed, servePage, TRANSPORTS } from "./site.mjs";
import { Turnbuckle } from "./turnbuckle.mjs";

const FLAGS = [
  "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
  "--disable-background-networking", "--disable-component-update", "--disable-sync",
  "--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream",
];

let web, folder, files, browser, page;

before(async () => {
  web = await servePage();
  folder = await mkdtemp(join(tmpdir(), "turnbuckle-chromium-"));
  files = issueCertificate(folder);
  trust(join(folder, ".pki/nssdb"), files.authority); // in what is HOME to the browser
  browser = await chromium.launchPersistentContext(join(folder, "profile"), {
    executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
    headless: true,
    args: FLAGS,
    env: { ...process.env, HOME: folder },
  });
  page = await browser.newPage();
  await page.goto(web.url);
});

after(async () => {
  await browser?.close();
  web?.close();
  if (folder) await rm(folder, { recursive: true, force: true, maxRetries: 5 });
});

for (const transport of TRANSPORTS) {
  test(`a call goes through the relay alone, both ways, over ${transport}`, async () => {
    const server = await Turnbuckle.start(files);
    const call = await page.evaluate((c) => window.call(c), server.only(transport));
    const log = await server.stop();

    assertRelayedCall(call);
    assertServerRelayed(call, log, transport);
  });
}

test("a wrong password shows as candidate error 401", async () => {
  const server = await Turnbuckle.start(files);
  const wrong = server.only("udp");
  wrong.iceServers[0].credential = "not it";
  const failure = await page.evaluate((c) => window.gatherUntilError(c), wrong);
  const log = await server.stop();

  assert.equal(failure.errorCode, 401);
  assert.ok(failure.url.startsWith("turn:127.0.0.1:"));
  assert.deepEqual(failure.candidates, []);
  const refused = log.filter((line) => line.message === "authentication failed");
  assert.ok(refused.length > 0 && refused[0].reason === "wrong_password");
});

test("a certificate that the browser does not trust shows as candidate error 701", async () => {
  const stranger = await mkdtemp(join(tmpdir(), "turnbuckle-stranger-"));
  const server = await Turnbuckle.start(issueCertificate(stranger));
  const failure = await page.evaluate((c) => window.gatherUntilError(c), server.only("tls"));
  await server.stop();
  await rm(stranger, { recursive: true });

  assert.equal(failure.errorCode, 701);
  assert.deepEqual(failure.candidates, []);
});
