// Starts the real server, with the demo world on a private database of its own, for all browser tests.
import { spawn, type ChildProcess } from "node:child_process";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { createServer, type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";

const READY_MS = 120_000;

export interface Running {
  url: string;
  password: string;
  child: ChildProcess;
  directory: string;
}

export const program = (): string =>
  process.env["LOADMASTER_PROGRAM"] ?? resolve(import.meta.dirname, "../../target/debug/loadmaster");

/** A port on which nothing listens. */
export function freePort(): Promise<number> {
  return new Promise((found) => {
    const server = createServer().listen(0, "127.0.0.1", () => {
      const { port } = server.address() as AddressInfo;
      server.close(() => found(port));
    });
  });
}

/** Starts a server in `directory` with these settings, and waits until it says where it is. */
export function start(directory: string, port = 0, settings: Record<string, string> = {}): Promise<Running> {
  if (!existsSync(program())) throw new Error(`${program()} is missing: run \`cargo build\` first.`);
  const child = spawn(program(), ["serve", "--demo"], {
    cwd: directory,
    env: {
      // What is said to the tests is no setting of the server.
      ...Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith("LOADMASTER_"))),
      LOADMASTER_SERVER__PORT: String(port),
      LOADMASTER_RATE_LIMIT__ENABLED: "false",
      ...settings,
    },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let output = "";
  let isReady = false;
  return new Promise((ready, failed) => {
    const timer = setTimeout(() => failed(new Error(`The server did not start:\n${output}`)), READY_MS);
    child.on("exit", (code) => failed(new Error(`The server ended with ${code}:\n${output}`)));
    const read = (piece: Buffer) => {
      // What it says later is of no use, and more with each test.
      if (isReady) return;
      output += piece.toString();
      const url = /ready at (http:\/\/\S+)/.exec(output)?.[1];
      if (!url || !/Stop with Ctrl-C/.test(output)) return;
      isReady = true;
      clearTimeout(timer);
      ready({ url, password: /Password\s+(\S+)/.exec(output)?.[1] ?? "", child, directory });
    };
    child.stdout.on("data", read);
    child.stderr.on("data", read);
  });
}

export async function stop(running: Running): Promise<void> {
  const ended = new Promise((resolve) => running.child.on("exit", resolve));
  running.child.kill("SIGTERM");
  await ended;
}

/** Against a server that runs already, if CONSOLE_URL and CONSOLE_PASSWORD name one. */
export default async function setup(): Promise<(() => Promise<void>) | undefined> {
  if (process.env["CONSOLE_URL"]) return undefined;
  const running = await start(mkdtempSync(join(tmpdir(), "loadmaster-web-")));
  process.env["CONSOLE_URL"] = running.url;
  process.env["CONSOLE_PASSWORD"] = running.password;
  return async () => {
    await stop(running);
    rmSync(running.directory, { recursive: true, force: true });
  };
}
