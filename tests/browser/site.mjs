// What both browsers' tests share: the page that makes the calls, and what must be true of a call.
import assert from "node:assert/strict";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";

export const TRANSPORTS = ["udp", "tcp", "tls"];

// A web server with the page; close() it.
export async function servePage() {
  const script = await readFile(new URL("page.js", import.meta.url));
  const web = createServer((request, response) => {
    const isScript = request.url === "/page.js";
    response.setHeader("Content-Type", isScript ? "text/javascript" : "text/html");
    response.end(isScript ? script : '<!doctype html><script src="page.js"></script>');
  });
  web.listen(0, "127.0.0.1");
  await once(web, "listening");
  web.url = `http://127.0.0.1:${web.address().port}/`;
  return web;
}

// Of what window.call() returned.
export function assertRelayedCall(call) {
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
}

// The server saw the same: what one session sent to peers, at least, another one received.
export function assertServerRelayed(call, log, transport) {
  const sessions = log.filter((line) => line.message === "session ended");
  const relayed = (key) => sessions.reduce((sum, session) => sum + session[key], 0);
  const payload = call.ends.reduce((sum, end) => sum + end.received + end.channel.bytesReceived, 0);
  assert.ok(sessions.length >= 2);
  assert.ok(sessions.every((session) => session.user === "browser"));
  assert.ok(sessions.every((session) => session.transport === transport));
  assert.ok(relayed("bytes_to_peers") > payload && relayed("bytes_to_client") > payload);
}
