// A headless Chromium whose only way is the relay. Run by ctest (label browser); by hand:
//   npm ci && TURNBUCKLE=../../build/dev/turnbuckle node --test
import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";

import { chromium } from "playwright-core";

import { Turnbuckle } from "./turnbuckle.mjs";

const FLAGS = [
  "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
  "--disable-background-networking", "--disable-component-update", "--disable-sync",
  "--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream",
];

let web, profile, browser, page;

before(async () => {
  const script = await readFile(new URL("page.js", import.meta.url));
  web = createServer((request, response) => {
    const isScript = request.url === "/page.js";
    response.setHeader("Content-Type", isScript ? "text/javascript" : "text/html");
    response.end(isScript ? script : '<!doctype html><script src="page.js"></script>');
  });
  web.listen(0, "127.0.0.1");
  await once(web, "listening");
  profile = await mkdtemp(join(tmpdir(), "turnbuckle-browser-"));
  browser = await chromium.launchPersistentContext(profile, {
    executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
    headless: true,
    args: FLAGS,
  });
  page = await browser.newPage();
  await page.goto(`http://127.0.0.1:${web.address().port}/`);
});

after(async () => {
  await browser?.close();
  web?.close();
  if (profile) await rm(profile, { recursive: true, force: true, maxRetries: 5 });
});

test("a call goes through the relay alone, both ways", async () => {
  const server = await Turnbuckle.start();
  const call = await page.evaluate((c) => window.call(c), server.configuration);
  const log = await server.stop();

  assert.ok(call.candidates.length >= 2);
  for (const candidate of call.candidates) assert.equal(candidate.type, "relay", candidate.sdp);
  for (const end of call.ends) {
    assert.deepEqual(end.pair, { local: "relay", remote: "relay" });
    assert.equal(end.channel.messagesSent, call.messages);
    assert.equal(end.channel.messagesReceived, call.messages);
    assert.ok(end.channel.bytesSent > 1000 * call.messages);
    assert.ok(end.channel.bytesReceived > 1000 * call.messages);
    assert.ok(end.sent > 20_000 && end.received > 20_000 && end.decoded > 10);
  }
  // The server saw the same: what one session sent to peers, at least, another one received.
  const sessions = log.filter((line) => line.message === "session ended");
  const relayed = (key) => sessions.reduce((sum, session) => sum + session[key], 0);
  const payload = call.ends.reduce((sum, end) => sum + end.received + end.channel.bytesReceived, 0);
  assert.ok(sessions.length >= 2);
  assert.ok(sessions.every((session) => session.user === "browser"));
  assert.ok(relayed("bytes_to_peers") > payload && relayed("bytes_to_client") > payload);
});

test("a wrong password shows as candidate error 401", async () => {
  const server = await Turnbuckle.start();
  const wrong = structuredClone(server.configuration);
  wrong.iceServers[0].credential = "not it";
  const failure = await page.evaluate((c) => window.gatherUntilError(c), wrong);
  const log = await server.stop();

  assert.equal(failure.errorCode, 401);
  assert.ok(failure.url.startsWith("turn:127.0.0.1:"));
  assert.deepEqual(failure.candidates, []);
  const refused = log.filter((line) => line.message === "authentication failed");
  assert.ok(refused.length > 0 && refused[0].reason === "wrong_password");
});
