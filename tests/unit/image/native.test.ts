/** Native code out of the executable: private directories, files checked before use, the next place when one fails. */

import { describe, expect, test } from "bun:test";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { join, resolve } from "node:path";
import { loadFromFirst } from "../../../src/image/native-load.ts";
import { isNoExec, openPrivateDir, runtimeDirCandidates } from "../../../src/image/runtime-dir.ts";
import { unpack } from "../../../src/image/unpack.ts";
import { makeTempDir } from "../../support/temp-dir.ts";

const ROOT = resolve(import.meta.dir, "../../..");
const uid = process.geteuid?.() ?? 0;
const look = { name: "sharp-1", uid, mountInfo: "" };

function modeOf(path: string): string {
  return (statSync(path).mode & 0o7777).toString(8);
}

describe("the directories that are tried", () => {
  const dirs = (env: Record<string, string>) =>
    runtimeDirCandidates({ env, uid: 7 }).map(({ dir }) => dir);

  test("in the order of how much they are the operator's wish", () => {
    const env = { MIR_RUNTIME_DIR: "/r", XDG_CACHE_HOME: "/x", HOME: "/h", TMPDIR: "/t" };
    expect(dirs(env)).toEqual(["/r", "/x/mir", "/h/.cache/mir", "/var/cache/mir", "/t/mir-7"]);
  });

  test("what is not set, empty or relative is left out", () => {
    const env = { MIR_RUNTIME_DIR: "here", XDG_CACHE_HOME: "", TMPDIR: "" };
    expect(dirs(env)).toEqual(["/var/cache/mir", "/tmp/mir-7"]);
  });
});

describe("a private directory", () => {
  test("is made with the folders above it, for us alone", () => {
    using temp = makeTempDir();
    const base = join(temp.path, "a", "b");
    const dir = openPrivateDir({ dir: base, trusted: false }, look);
    expect(dir).toBe(join(base, "sharp-1"));
    expect([modeOf(base), modeOf(dir)]).toEqual(["700", "700"]);
    expect(openPrivateDir({ dir: base, trusted: false }, look)).toBe(dir);
  });

  test("may lie in a folder that others read, not in one that others write", () => {
    using temp = makeTempDir();
    chmodSync(temp.path, 0o755);
    openPrivateDir({ dir: temp.path, trusted: false }, look);
    chmodSync(temp.path, 0o775);
    const open = () => openPrivateDir({ dir: temp.path, trusted: true }, look);
    expect(open).toThrow("others may write to it (mode 775)");
  });

  test("may not lie below a folder in which everybody may rename it, unless the operator said so", () => {
    using temp = makeTempDir();
    chmodSync(temp.path, 0o777);
    const dir = join(temp.path, "mir");
    expect(() => openPrivateDir({ dir, trusted: false }, look)).toThrow("everybody may write");
    openPrivateDir({ dir, trusted: true }, look);
    chmodSync(temp.path, 0o1777);
    openPrivateDir({ dir, trusted: false }, look);
  });

  test("that somebody has opened to others is refused", () => {
    using temp = makeTempDir();
    mkdirSync(join(temp.path, "sharp-1"));
    chmodSync(join(temp.path, "sharp-1"), 0o755);
    const open = () => openPrivateDir({ dir: temp.path, trusted: false }, look);
    expect(open).toThrow("has mode 755, not 700");
  });

  test("that is a link, a file, or another user's is refused", () => {
    using temp = makeTempDir();
    mkdirSync(join(temp.path, "elsewhere"), { mode: 0o700 });
    symlinkSync(join(temp.path, "elsewhere"), join(temp.path, "sharp-1"));
    temp.write("sharp-2", "");
    const candidate = { dir: temp.path, trusted: false };
    expect(() => openPrivateDir(candidate, look)).toThrow("is no directory");
    expect(() => openPrivateDir(candidate, { ...look, name: "sharp-2" })).toThrow(
      "is no directory",
    );
    expect(() => openPrivateDir(candidate, { ...look, uid: uid + 1 })).toThrow("not to us");
  });

  test("on a file system without running is refused", () => {
    using temp = makeTempDir();
    const mountInfo = `1 0 0:1 / / rw - ext4 d rw\n2 1 0:2 / ${temp.path} rw,nosuid,noexec - tmpfs t rw`;
    const open = () => openPrivateDir({ dir: temp.path, trusted: true }, { ...look, mountInfo });
    expect(open).toThrow("mounted noexec");
  });
});

describe("isNoExec", () => {
  const mountInfo = [
    "20 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw",
    "21 20 0:5 / /tmp rw,nosuid,nodev,noexec - tmpfs tmpfs rw",
    "22 21 0:6 / /tmp/run rw - tmpfs tmpfs rw,noexec",
    "23 20 0:7 / /my\\040disk rw,noexec - ext4 /dev/sdb rw",
    "24 20 0:8 / /home rw,noexec - ext4 /dev/sdc rw",
    "25 20 0:9 / /home rw - ext4 /dev/sdd rw",
  ].join("\n");
  const cases = [
    ["/var/cache/mir", false],
    ["/tmp/mir-0", true],
    ["/tmp", true],
    ["/tmpfiles", false],
    ["/tmp/run/x", false],
    ["/my disk/x", true],
    ["/home/me", false],
  ] as const;
  for (const [path, expected] of cases) {
    test(`${path}: ${expected}`, () => {
      expect(isNoExec(mountInfo, path)).toBe(expected);
    });
  }
});

describe("unpacking", () => {
  const bytes = Buffer.alloc(3_000_000, "library");
  const files = [
    { place: "lib/one.so", bytes },
    { place: "lib/two.so", bytes: Buffer.from("two") },
  ];

  test("writes what is missing and leaves what is whole", () => {
    using temp = makeTempDir();
    unpack(temp.path, files);
    const path = join(temp.path, "lib/one.so");
    expect(readFileSync(path).equals(bytes)).toBe(true);
    const { ino, mtimeMs } = statSync(path);
    unpack(temp.path, files);
    expect(statSync(path)).toMatchObject({ ino, mtimeMs });
  });

  const damages: readonly (readonly [string, (path: string) => void])[] = [
    [
      "a byte turned over",
      (path) => writeFileSync(path, Buffer.concat([Buffer.from("L"), bytes.subarray(1)])),
    ],
    ["cut short", (path) => truncateSync(path, 2_999_999)],
    ["bytes behind the end", (path) => writeFileSync(path, "more", { flag: "a" })],
    ["emptied by a power cut", (path) => truncateSync(path, 0)],
  ];
  for (const [name, damage] of damages) {
    test(`mends a file with ${name}`, () => {
      using temp = makeTempDir();
      unpack(temp.path, files);
      const path = join(temp.path, "lib/one.so");
      chmodSync(path, 0o700);
      damage(path);
      unpack(temp.path, files);
      expect(readFileSync(path).equals(bytes)).toBe(true);
    });
  }

  test("replaces a link instead of following it", () => {
    using temp = makeTempDir();
    const other = temp.write("other", bytes);
    mkdirSync(join(temp.path, "lib"));
    symlinkSync(other, join(temp.path, "lib/two.so"));
    unpack(temp.path, files);
    expect(readFileSync(join(temp.path, "lib/two.so"), "utf8")).toBe("two");
    expect(statSync(other).size).toBe(bytes.length);
  });

  test("sweeps up after writers that died, not after those at work", () => {
    using temp = makeTempDir();
    const dead = temp.write("lib/one.so.tmp-1-a", "half");
    const alive = temp.write("lib/one.so.tmp-2-b", "half");
    utimesSync(dead, 0, 0);
    unpack(temp.path, files);
    expect([existsSync(dead), existsSync(alive)]).toEqual([false, true]);
  });

  test("four processes may do so at once", async () => {
    using temp = makeTempDir();
    const program = `
      const { unpack } = await import(${JSON.stringify(join(ROOT, "src/image/unpack.ts"))});
      const bytes = Buffer.alloc(3_000_000, "library");
      for (let i = 0; i < 5; i++) unpack(${JSON.stringify(temp.path)}, [{ place: "lib/one.so", bytes }]);
    `;
    const codes = await Promise.all(
      Array.from({ length: 4 }, () => Bun.spawn([process.execPath, "-e", program]).exited),
    );
    expect(codes).toEqual([0, 0, 0, 0]);
    expect(readdirSync(join(temp.path, "lib"))).toEqual(["one.so"]);
    expect(readFileSync(join(temp.path, "lib/one.so")).equals(bytes)).toBe(true);
  });
});

describe("loading", () => {
  const files = [{ place: "a/addon.node", bytes: Buffer.from("addon") }];

  test("happens from the first directory that works, named after the content", () => {
    using temp = makeTempDir();
    const candidates = [
      { dir: temp.write("a-file", ""), trusted: true },
      { dir: join(temp.path, "cannot-map"), trusted: true },
      { dir: join(temp.path, "good"), trusted: true },
      { dir: join(temp.path, "unused"), trusted: true },
    ];
    const load = (path: string) => {
      if (path.includes("cannot-map")) throw new Error("failed to map segment from shared object");
      return readFileSync(path, "utf8");
    };
    expect(loadFromFirst({ candidates, files, uid, mountInfo: "", load })).toBe("addon");
    expect(readdirSync(join(temp.path, "good"))).toEqual([
      expect.stringMatching(/^sharp-[0-9a-f]{16}$/),
    ]);
    expect(existsSync(join(temp.path, "unused"))).toBe(false);
  });

  test("that fails everywhere names every directory, why, and the cure", () => {
    using temp = makeTempDir();
    const candidates = ["one", "two"].map((name) => ({
      dir: join(temp.path, name),
      trusted: true,
    }));
    const load = () => {
      throw new Error("failed to map segment");
    };
    const attempt = () => loadFromFirst({ candidates, files, uid, mountInfo: "", load });
    expect(attempt).toThrow(/one: failed to map segment; .*two: failed to map segment/);
    expect(attempt).toThrow("MIR_RUNTIME_DIR");
  });

  test("libvips is found beside the addon, away from node_modules", () => {
    using temp = makeTempDir();
    const program = `
      const { embedded } = { embedded: [
        ["sharp-linux-ARCH/lib/sharp.node", "sharp-linux-ARCH/lib/sharp-linux-ARCH-VERSION.node"],
        ["sharp-libvips-linux-ARCH/lib/LIBVIPS", "sharp-libvips-linux-ARCH/lib/LIBVIPS"],
      ] };
      const { loadFromFirst } = await import(${JSON.stringify(join(ROOT, "src/image/native-load.ts"))});
      const { readFileSync } = await import("node:fs");
      const files = embedded.map(([place, from]) => ({ place, bytes: readFileSync("IMG/" + from) }));
      const load = (path) => { const m = { exports: {} }; process.dlopen(m, path); return m.exports; };
      const candidates = [{ dir: ${JSON.stringify(temp.path)}, trusted: true }];
      const addon = loadFromFirst({ candidates, files, uid: ${uid}, mountInfo: "", load });
      console.log(addon.libvipsVersion().semver);
    `;
    const { version } = JSON.parse(
      readFileSync(join(ROOT, "node_modules/sharp/package.json"), "utf8"),
    );
    const img = join(ROOT, "node_modules/@img");
    const [libvips = ""] = readdirSync(join(img, `sharp-libvips-linux-${process.arch}/lib`)).filter(
      (n) => n.startsWith("libvips-cpp.so"),
    );
    const filled = program
      .replaceAll("ARCH", process.arch)
      .replaceAll("VERSION", version)
      .replaceAll("LIBVIPS", libvips)
      .replaceAll("IMG", img);
    const { stdout, stderr } = Bun.spawnSync([process.execPath, "-e", filled]);
    expect(stderr.toString()).toBe("");
    expect(stdout.toString().trim()).toMatch(/^8\.[0-9]+\.[0-9]+/);
  });
});
