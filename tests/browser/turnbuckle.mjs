// The server under test with its safe defaults: only ports are the kernel's, and it makes its own
// secret. What it prints for pasting into a page is what the page is given.
import { spawn } from "node:child_process";
import { createInterface } from "node:readline";

const ARGUMENTS = [
  "serve",
  "--set", "listeners=[{transport: udp, address: 127.0.0.1, port: 0}]",
  "--set", "admin.port=0",
  "--set", "log.format=json",
];

export class Turnbuckle {
  // Resolves when it is ready, to a server whose `configuration` is the snippet.
  static async start() {
    const server = new Turnbuckle();
    server.process = spawn(process.env.TURNBUCKLE ?? "build/dev/turnbuckle", ARGUMENTS, {
      stdio: ["ignore", "pipe", "pipe"],
    });
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
