// An authority and a certificate for localhost and 127.0.0.1, made by openssl in a folder of the
// test, and the trust databases in which Chromium and Firefox look for authorities.
import { execFileSync } from "node:child_process";
import { mkdirSync } from "node:fs";
import { join } from "node:path";

const KEY = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"];

function run(program, ...options) {
  execFileSync(program, options, { stdio: ["ignore", "ignore", "pipe"] });
}

// The paths of the files.
export function issueCertificate(folder) {
  const at = (name) => join(folder, name);
  const files = { authority: at("ca.pem"), certificate: at("leaf.pem"), key: at("leaf.key") };
  run("openssl", "req", "-x509", "-new", ...KEY, "-keyout", at("ca.key"), "-out", files.authority,
    "-subj", "/CN=Turnbuckle test authority");
  run("openssl", "req", "-x509", "-new", ...KEY, "-keyout", files.key, "-out", files.certificate,
    "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1",
    "-addext", "basicConstraints=critical,CA:FALSE", "-CA", files.authority,
    "-CAkey", at("ca.key"));
  return files;
}

// Makes an NSS database in the folder that trusts the authority for servers.
export function trust(folder, authority) {
  mkdirSync(folder, { recursive: true });
  const database = ["-d", `sql:${folder}`];
  run("certutil", "-N", "--empty-password", ...database);
  run("certutil", "-A", ...database, "-n", "turnbuckle-test", "-t", "C,,", "-i", authority);
}
