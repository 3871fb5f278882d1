// A headless Firefox ESR whose only way is the relay. Run by ctest (label browser); by hand:
//   npm ci && TURNBUCKLE=../../build/dev/turnbuckle node --test firefox.test.mjs
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";

import puppeteer from "puppeteer-core";

import { issueCertificate, trust } from "./certificates.mjs";
import { assertRelayedCall, assertServerRelayed, servePage, TRANSPORTS } from "./site.mjs";
import { Turnbuckle } from "./turnbuckle.mjs";

const PREFERENCES = {
  "media.navigator.streams.fake": true,
  "media.navigator.permission.disabled": true,
  "media.peerconnection.ice.loopback": true, // or a server on loopback is not used
  "media.peerconnection.ice.obfuscate_host_addresses": false,
};

let web, folder, files, browser, page;

before(async () => {
  web = await servePage();
  folder = await mkdtemp(join(tmpdir(), "turnbuckle-firefox-"));
  files = issueCertificate(folder);
  trust(join(folder, "profile"), files.authority);
  browser = await puppeteer.launch({
    browser: "firefox",
    protocol: "webDriverBiDi",
    executablePath: process.env.FIREFOX ?? "/usr/bin/firefox-esr",
    headless: true,
    userDataDir: join(folder, "profile"),
    extraPrefsFirefox: PREFERENCES,
    env: { ...process.env, HOME: folder },
    protocolTimeout: 120_000,
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
