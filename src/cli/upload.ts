/** `mir upload`: pictures from files into a mesh, each acknowledged before the next is sent. */

import { readFileSync, statSync } from "node:fs";
import { defineCommand } from "citty";
import { formatBytes } from "../base/bytes.ts";
import { asFault, Fault } from "../base/fault.ts";
import { isContentId } from "../base/variant.ts";
import { isWebId } from "../base/web-name.ts";
import { meantNode, NODE_ARGS } from "./admin-client.ts";
import { type Output, terminal } from "./output.ts";
import { readTopologyFile } from "./topology-file.ts";
import { type Acknowledged, uploadFile } from "./upload-file.ts";
import { checkedUrl, UsageError } from "./usage.ts";

const args = {
  url: {
    type: "string",
    valueHint: "URL",
    description: "a public listener: http://host:port, or https",
  },
  topology: {
    ...NODE_ARGS.topology,
    description: "the topology file (TOML), in place of --url; else $MIR_TOPOLOGY",
  },
  server: {
    ...NODE_ARGS.server,
    description: "the server in it that is sent to; else $MIR_SERVER",
  },
  "key-file": {
    type: "string",
    valueHint: "FILE",
    description: "file with the upload key; else MIR_UPLOAD_KEY",
  },
  "content-id": { type: "string", description: "the id of a single picture; else from its bytes" },
  "web-id": {
    type: "string",
    description:
      "a web id of a single picture that may be remembered as missing; the resolver knows what it stands for",
  },
  json: { type: "boolean", description: "for machines: one JSON line a file" },
  files: {
    type: "positional",
    valueHint: "FILE",
    description: "one or more pictures",
    required: true,
  },
} as const;

export const uploadCommand = defineCommand({
  meta: { name: "upload", description: "upload pictures into a mesh" },
  args,
  async run({ args: given }) {
    const files = given._;
    const about = aboutOne(files, { contentId: given["content-id"], webId: given["web-id"] });
    const url = given.url === undefined ? urlOf(given) : checkedUrl(given.url, "url");
    const key = keyOf(given["key-file"], process.env["MIR_UPLOAD_KEY"]);
    let failed = 0;
    for (const file of files) {
      const report = makeReport(file, given.json === true, terminal);
      try {
        report.done(await uploadFile({ url, key, file, about, onSent: report.sent }));
      } catch (error) {
        failed++;
        report.failed(asFault(error));
      }
    }
    process.exitCode = failed === 0 ? 0 : 1;
  },
});

interface About {
  readonly contentId: string | undefined;
  readonly webId: string | undefined;
}

function aboutOne(files: readonly string[], about: About): About {
  const { contentId, webId } = about;
  if (files.length > 1 && (contentId !== undefined || webId !== undefined)) {
    throw new UsageError("--content-id and --web-id are for a single picture");
  }
  if (contentId !== undefined && !isContentId(contentId)) {
    throw new UsageError(`--content-id ${contentId}: expected 6 to 96 of A-Z a-z 0-9 _ -`);
  }
  if (webId !== undefined && !isWebId(webId)) {
    throw new UsageError(`--web-id ${webId}: expected 1 to 128 of A-Z a-z 0-9 . _ ~ -`);
  }
  return about;
}

/** The first public TCP listener of the server that takes uploads. */
function urlOf(given: {
  readonly topology: string | undefined;
  readonly server: string | undefined;
}): string {
  const { topology: path, server: name } = meantNode(given);
  if (path === undefined || name === undefined) {
    throw new UsageError("say where to: --url http://host:port, or --topology FILE --server NAME");
  }
  const result = readTopologyFile(path);
  if (result.kind === "mistakes") {
    throw new Fault("bad_request", `${path} has mistakes: see mir check`);
  }
  const servers = result.topology.levels.flatMap((level) => level.servers);
  const server = servers.find((s) => s.name === name);
  if (server === undefined) throw new UsageError(`${path} has no server ${name}`);
  const { tls } = result.topology;
  const takes = server.publics.filter((l) => l.type === "net" && l.upload);
  // a certificate is rarely good for an address
  const listener = takes.find((l) => l.type === "net" && !l.tls) ?? takes[0];
  if (listener?.type !== "net") {
    throw new UsageError(`${name} has no public net listener that takes uploads; use --url`);
  }
  if (listener.port === 0) {
    throw new UsageError(`${name} takes any free port; use --url with the one that it printed`);
  }
  const host = EVERYWHERE.get(listener.host) ?? listener.host;
  const scheme = listener.tls && tls !== undefined ? "https" : "http";
  return `${scheme}://${host.includes(":") ? `[${host}]` : host}:${listener.port}`;
}

/** Addresses that mean all interfaces are bound, never dialled. */
const EVERYWHERE: ReadonlyMap<string, string> = new Map([
  ["0.0.0.0", "127.0.0.1"],
  ["::", "::1"],
]);

function keyOf(file: string | undefined, fromEnv: string | undefined): string {
  const key = file === undefined ? fromEnv : readKey(file);
  if (key !== undefined && key !== "") return key;
  throw new UsageError("there is no upload key: set MIR_UPLOAD_KEY, or use --key-file FILE");
}

function readKey(path: string): string {
  try {
    if ((statSync(path).mode & 0o077) !== 0) {
      throw new Fault("bad_request", `others can read the key file ${path}: chmod 600 it`);
    }
    return keyIn(readFileSync(path, "utf8").trim(), path);
  } catch (error) {
    if (error instanceof Fault) throw error;
    throw new Fault("bad_request", `the key file ${path} cannot be read`, { cause: error });
  }
}

/** The key alone, or the first one of a node's secrets file. */
function keyIn(text: string, path: string): string {
  const named = text.split("\n").flatMap((line) => {
    const [, value = ""] = SECRET.exec(line.trim()) ?? [];
    const key = value.split(",")[0]?.trim() ?? "";
    return key === "" ? [] : [key];
  });
  const [first] = named;
  if (first !== undefined) return first;
  if (!/\n|^\s*[A-Z][A-Z0-9_]*\s*=/.test(text)) return text;
  const told = "expected the key alone, or a line MIR_UPLOAD_KEYS = key";
  throw new Fault("bad_request", `the key file ${path}: ${told}`);
}

const SECRET = /^MIR_UPLOAD_KEYS?\s*=\s*(.*)$/;

interface Report {
  /** Bytes that have been sent, of so many. */
  readonly sent: (bytes: number, total: number) => void;
  done(acknowledged: Acknowledged): void;
  failed(fault: Fault): void;
}

function makeReport(file: string, json: boolean, output: Output): Report {
  const shows = output.isTerminal && !json;
  const erase = (): void => {
    if (shows) output.write("\r\u001b[K");
  };
  let shown = -1;
  return {
    sent(bytes, total) {
      const percent = total === 0 ? 100 : Math.floor((bytes * 100) / total);
      if (!shows || percent === shown) return;
      shown = percent;
      output.write(`\r\u001b[K${file}  ${percent} % of ${formatBytes(total)}`);
    },
    done(acknowledged) {
      erase();
      const { created, relname, bytes, propagated, digest } = acknowledged;
      if (json) output.say(JSON.stringify({ file, ...acknowledged }));
      else {
        const what = created ? "uploaded" : "already there";
        const told = `${formatBytes(bytes)}, sha256 ${digest}, ${propagated}`;
        output.say(`${file}  ${what}: ${relname} (${told})`);
      }
    },
    failed(fault) {
      erase();
      const { code, message } = fault;
      if (json) output.say(JSON.stringify({ file, error: { code, message } }));
      else output.complain(`mir: ${file}: ${message}`);
    },
  };
}
