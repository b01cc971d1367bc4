/**
 * Tries the Dockerfile without a daemon and without a registry, builds it with buildah on base images of this machine's
 * own files, runs it as non-root with a read-only root, has it serve a picture, and stops it. Needs root and buildah.
 */

import {
  chownSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import sharp from "sharp";
import { BASE, BUILD_BASE, makeBase, makeBuildBase } from "./container/base-images.ts";
import { Contained, type ImageConfig } from "./container/contained.ts";
import { type Buildah, Findings, openBuildah } from "./container/tools.ts";
import { runScript, ScriptFailure } from "./script-failure.ts";
import { ROOT, setup } from "./setup.ts";

const IMAGE = "localhost/mir";
const CACHE = "/var/cache/mir";
/** What a container runtime waits after SIGTERM before it kills (Dockerfile, deploy/compose.yaml). */
const STOP_MS = 75_000;
/** How long the node may take to be ready. */
const START_MS = 60_000;

const TOPOLOGY = `[meta]
name = "container"
[[levels]]
[[levels.servers]]
name = "edge-1"
cache_dir = "${CACHE}/edge-1"
capacity = "100MiB"
workers = 1
image_workers = 1
[[levels.servers.public]]
type = "net"
host = "127.0.0.1"
port = 0
[[levels]]
[[levels.servers]]
name = "photos"
origin_dir = "/srv/photos"
`;

await runScript(async () => {
  if (process.getuid?.() !== 0) throw new ScriptFailure("mounts and chroot need root");
  setup();
  const folder = mkdtempSync(join(tmpdir(), "mir-container-"));
  const findings = new Findings();
  const buildah = openBuildah(folder);
  try {
    buildImage(buildah, findings);
    await tryImage(buildah, folder, findings);
  } finally {
    tidy(buildah, folder);
  }
  return findings.failed === 0 ? 0 : 1;
});

function buildImage(buildah: Buildah, findings: Findings): void {
  const start = performance.now();
  makeBuildBase(buildah);
  makeBase(buildah);
  const bases = ["--build-arg", `BUILD_BASE=${BUILD_BASE}`, "--build-arg", `BASE=${BASE}`];
  // installed here already: the build asks no registry for packages either
  const modules = `${join(ROOT, "node_modules")}:/mir/node_modules:ro`;
  buildah(
    ...["build", "--isolation", "chroot", "--format", "docker", "--pull-never", "--layers=false"],
    ...[...bases, "--build-arg", "REVISION=container", "--volume", modules, "--tag", IMAGE, ROOT],
  );
  const seconds = ((performance.now() - start) / 1000).toFixed(1);
  findings.add(true, "the image builds", `${seconds} s, with buildah in a chroot`);
}

async function tryImage(buildah: Buildah, folder: string, findings: Findings): Promise<void> {
  const config = configOf(buildah);
  look(config, findings);
  const root = buildah("mount", buildah("from", "--pull-never", IMAGE).trim()).trim();
  const cache = statSync(join(root, CACHE));
  findings.add(cache.uid === 65_532, `${CACHE} belongs to the user`, `${cache.uid}:${cache.gid}`);
  const photos = join(folder, "photos");
  const volume = join(folder, "volume");
  mkdirSync(photos);
  mkdirSync(volume);
  // a fresh volume begins as the image's folder
  chownSync(volume, cache.uid, cache.gid);
  writeFileSync(join(folder, "mesh.toml"), TOPOLOGY);
  await drawPicture(join(photos, "harbour.jpg"));
  const node = new Contained({
    root,
    config,
    env: { MIR_SERVER: "edge-1" },
    mounts: [
      { from: volume, to: CACHE, writable: true },
      { from: photos, to: "/srv/photos", writable: false },
      { from: join(folder, "mesh.toml"), to: "/etc/mir/mesh.toml", writable: false },
    ],
  });
  try {
    const address = await publicAddress(node);
    findings.add(true, "it gets ready", address);
    lookInside(node, config, findings);
    await askForPicture(address, findings);
    checkHealth(node, config, findings);
    await stop(node, config, findings);
  } finally {
    node.child.kill("SIGKILL");
    await node.child.exited;
  }
}

function configOf(buildah: Buildah): ImageConfig {
  const inspected = JSON.parse(buildah("inspect", "--type", "image", IMAGE)) as {
    readonly Docker: { readonly config: ImageConfig };
  };
  return inspected.Docker.config;
}

function look(config: ImageConfig, findings: Findings): void {
  const health = config.Healthcheck?.Test.join(" ") ?? "none";
  findings.add(config.User === "65532:65532", "its user is not root", config.User);
  findings.add(
    CACHE in config.Volumes,
    "the cache is a volume",
    Object.keys(config.Volumes).join(),
  );
  findings.add(health === "CMD /usr/local/bin/mir ready", "it has a health check", health);
  findings.add(config.StopSignal.endsWith("TERM"), "it is stopped with SIGTERM", config.StopSignal);
}

/** The line of the public listener; resolves once `ready` was said. */
async function publicAddress(node: Contained): Promise<string> {
  const timer = setTimeout(() => node.child.kill("SIGKILL"), START_MS);
  let said = "";
  try {
    for await (const bytes of node.child.stdout) {
      said += Buffer.from(bytes).toString();
      const address = /^public +(\S+)$/m.exec(said)?.[1];
      if (address !== undefined && /^ready$/m.test(said)) return address;
    }
  } finally {
    clearTimeout(timer);
  }
  throw new ScriptFailure(`the node ended before it was ready: ${said}`);
}

/** The kernel's word on who it is and what it may. */
function lookInside(node: Contained, config: ImageConfig, findings: Findings): void {
  const status = readFileSync(`/proc/${node.pid}/status`, "utf8");
  const field = (name: string): string =>
    new RegExp(`^${name}:\\s*(.*)$`, "m").exec(status)?.[1]?.replaceAll("\t", " ") ?? "";
  const [uid] = config.User.split(":");
  findings.add(field("Uid") === Array(4).fill(uid).join(" "), "it runs as that user", field("Uid"));
  findings.add(field("NSpid").endsWith(" 1"), "it is process 1 of its own", field("NSpid"));
  findings.add(Number(`0x${field("CapEff")}`) === 0, "it has no capability", field("CapEff"));
  findings.add(field("NoNewPrivs") === "1", "it can get none", `NoNewPrivs ${field("NoNewPrivs")}`);
  for (const path of ["/written", "/tmp/written", "/etc/passwd"]) {
    const error = errorOf(() => writeFileSync(`/proc/${node.pid}/root${path}`, ""));
    findings.add(error === "EROFS", `even root cannot write ${path}`, error);
  }
}

function errorOf(action: () => void): string {
  try {
    action();
    return "written";
  } catch (error) {
    return error instanceof Error && "code" in error ? String(error.code) : String(error);
  }
}

async function drawPicture(path: string): Promise<void> {
  const background = { r: 40, g: 90, b: 160 };
  const noise = { type: "gaussian", mean: 128, sigma: 30 } as const;
  await sharp({ create: { width: 1600, height: 1200, channels: 3, background, noise } })
    .jpeg()
    .toFile(path);
}

async function askForPicture(address: string, findings: Findings): Promise<void> {
  const answer = await fetch(`http://${address}/puddle/harbour/sm/harbour.webp`);
  const bytes = await answer.bytes();
  const { format, width, height } = await sharp(bytes).metadata();
  const seen = `${answer.status} ${format} ${width}x${height}, ${answer.headers.get("cache-status")}`;
  findings.add(answer.ok && format === "webp" && width === 320, "it serves a picture", seen);
}

function checkHealth(node: Contained, config: ImageConfig, findings: Findings): void {
  const { code, said } = node.exec(config.Healthcheck?.Test.slice(1) ?? ["false"]);
  findings.add(code === 0, "the health check says so", `exit code ${code}: ${said}`);
}

async function stop(node: Contained, config: ImageConfig, findings: Findings): Promise<void> {
  const start = performance.now();
  process.kill(node.pid, "SIGTERM");
  const { code: health, said } = unhealthy(node, config);
  findings.add(
    health === 1 && said.includes("draining"),
    "the health check says that it drains",
    `exit code ${health}: ${said}`,
  );
  const timer = setTimeout(() => node.child.kill("SIGKILL"), STOP_MS);
  const code = await node.child.exited;
  clearTimeout(timer);
  const seconds = ((performance.now() - start) / 1000).toFixed(1);
  findings.add(code === 0, "it stops on SIGTERM", `exit code ${code} after ${seconds} s`);
}

/** The signal takes a moment to arrive; the grace of a drain is five seconds. */
function unhealthy(
  node: Contained,
  config: ImageConfig,
): { readonly code: number; readonly said: string } {
  const command = config.Healthcheck?.Test.slice(1) ?? [];
  const since = performance.now();
  let last = node.exec(command);
  while (last.code === 0 && performance.now() - since < 3_000) last = node.exec(command);
  return last;
}

/** Nothing of it stays: containers, mounts, storage. */
function tidy(buildah: Buildah, folder: string): void {
  try {
    buildah("rm", "--all");
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
