// The server under test with its safe defaults: only ports are the kernel's, and it makes its own
// secret. What it prints for pasting into a page is what the page is given.
import { spawn } from "node:child_process";
import { createInterface } from "node:readline";

export class Turnbuckle {
  // Resolves when it is ready, to a server whose `configuration` is the snippet.
  static async start(files) {
    const pair = { certificate: files.certificate, private_key: files.key };
    const at = { address: "127.0.0.1", port: 0 };
    const listeners = [
      { transport: "udp", ...at }, { transport: "tcp", ...at }, { transport: "tls", ...at, ...pair },
    ];
    const server = new Turnbuckle();
    server.process = spawn(process.env.TURNBUCKLE ?? "build/dev/turnbuckle", [
      "serve", "--set", `listeners=${JSON.stringify(listeners)}`,
      "--set", "admin.port=0", "--set", "log.format=json",
    ], { stdio: ["ignore", "pipe", "pipe"] });
    server.ended = new Promise((resolve) => server.process.on("exit", resolve));
    server.log = [];
    createInterface({ input: server.process.stderr }).on("line", (line) => {
      server.log.push(JSON.parse(line));
    });
    for await (const line of createInterface({ input: server.process.stdout })) {
      const snippet = line.match(/new RTCPeerConnection\((.*)\)/);
      if (snippet) {
        server.configuration = JSON.parse(snippet[1]);
        return server;
      }
    }
    throw new Error(`the server ended: ${JSON.stringify(server.log)}`);
  }

  // The configuration with only that transport's URI (RFC 7065) left in it.
  only(transport) {
    const { username, credential } = this.configuration.iceServers[0];
    return { iceServers: [{ urls: [this.uri(transport)], username, credential }] };
  }

  uri(transport) {
    const { urls } = this.configuration.iceServers[0];
    if (transport !== "tls") {
      return urls.find((url) => url.startsWith("turn:") && url.endsWith(`transport=${transport}`));
    }
    // Certificates are for names; Firefox resolves none but this one here.
    return urls.find((url) => url.startsWith("turns:")).replace("127.0.0.1", "localhost");
  }

  // The lines of the log, once the server has ended as it should.
  async stop() {
    this.process.kill("SIGTERM");
    const lingers = setTimeout(() => this.process.kill("SIGTERM"), 3000);
    const status = await this.ended;
    clearTimeout(lingers);
    const errors = this.log.filter((line) => line.level === "error");
    if (status !== 0 || errors.length > 0) {
      throw new Error(`status ${status}, ${JSON.stringify(errors)}`);
    }
    return this.log;
  }
}
