/** SIGHUP: all of a changed topology is applied, or nothing. */

import { describe, expect, test } from "bun:test";
import { Fault } from "../../../src/base/fault.ts";
import { makeReload } from "../../../src/node/reload.ts";
import {
  type CounterName,
  createCounterMemory,
  openCounters,
  readCounters,
} from "../../../src/observe/counters.ts";
import { makeLog } from "../../../src/observe/log.ts";
import type { ReadResult } from "../../../src/topology/read.ts";
import type { Topology } from "../../../src/topology/topology.ts";
import { read, smallFile } from "../topology/small-file.ts";

/** A node `a` that runs with the small file; `write` puts another text in its place. */
function makeNode(apply: (topology: Topology) => Promise<void> = async () => {}) {
  const lines: string[] = [];
  const applied: Topology[] = [];
  const memory = createCounterMemory(1);
  let text: string | undefined = smallFile();
  const reread = (): ReadResult => {
    if (text === undefined) throw new Fault("bad_request", "the topology file cannot be read");
    return read(text);
  };
  const started = reread();
  if (started.kind === "mistakes") throw new Error("the small file has mistakes");
  const reload = makeReload({
    server: "a",
    file: started.file,
    reread,
    async apply(topology) {
      applied.push(topology);
      await apply(topology);
    },
    counters: openCounters(memory, 0),
    log: makeLog({ node: "a", level: "info", json: true, write: (line) => lines.push(line) }),
  });
  return {
    reload,
    applied,
    write: (next: string | undefined) => {
      text = next;
    },
    count: (name: CounterName) => readCounters(memory)[name],
    said: () => lines.join(""),
  };
}

const HEAVIER = smallFile({ 16: 'cache_dir = "b"\nweight = 2' });

describe("a reload", () => {
  test("applies what has changed and says so in one line, epoch and both values", async () => {
    const node = makeNode();
    node.write(HEAVIER);
    await node.reload();
    expect(node.applied).toHaveLength(1);
    expect(node.applied[0]?.levels[0]?.servers[1]?.weight).toBe(2);
    expect(node.count("reload")).toBe(1);
    expect(node.said().trim().split("\n")).toHaveLength(1);
    expect(node.said()).toContain("levels.servers[b].weight: 1 to 2");
    expect(node.said()).toContain(node.applied[0]?.epoch ?? "no epoch");
  });

  test("of the same text does nothing, also when only comments differ", async () => {
    const node = makeNode();
    node.write(`# a note\n${smallFile()}`);
    await node.reload();
    expect(node.applied).toEqual([]);
    expect([node.count("reload"), node.count("reload_refused")]).toEqual([0, 0]);
    expect(node.said()).toContain("nothing in the file has changed");
  });

  test("compares with what is followed now, not with what was at the start", async () => {
    const node = makeNode();
    for (const text of [HEAVIER, HEAVIER, smallFile()]) {
      node.write(text);
      await node.reload();
    }
    expect(node.applied.map((t) => t.levels[0]?.servers[1]?.weight)).toEqual([2, 1]);
  });

  test("of a file with mistakes changes nothing and says each of them", async () => {
    const node = makeNode();
    node.write(smallFile({ 10: 'port = "x"', 16: 'cache_dir = "b"\nwieght = 2' }));
    await node.reload();
    expect(node.applied).toEqual([]);
    expect(node.count("reload_refused")).toBe(1);
    expect(node.said()).toContain("mesh.toml:10:8");
    expect(node.said()).toContain("did you mean weight?");
  });

  test("of a file that is not there changes nothing", async () => {
    const node = makeNode();
    node.write(undefined);
    await node.reload();
    expect(node.applied).toEqual([]);
    expect(node.count("reload_refused")).toBe(1);
    expect(node.said()).toContain("cannot be read");
  });

  test("that needs a restart names what does and applies not even the rest", async () => {
    const node = makeNode();
    node.write(smallFile({ 6: 'cache_dir = "elsewhere"', 16: 'cache_dir = "b"\nweight = 2' }));
    await node.reload();
    expect(node.applied).toEqual([]);
    expect(node.count("reload_refused")).toBe(1);
    expect(node.said()).toContain("levels.servers[a].cache_dir");
    expect(node.said()).not.toContain("weight");
  });

  test("follows the next good file after a refused one", async () => {
    const node = makeNode();
    node.write("nonsense");
    await node.reload();
    node.write(HEAVIER);
    await node.reload();
    expect(node.applied).toHaveLength(1);
  });

  test("during one is done after it, with the file as it is then", async () => {
    const gate = Promise.withResolvers<void>();
    const node = makeNode(() => gate.promise);
    node.write(HEAVIER);
    const first = node.reload();
    await Promise.resolve();
    node.write(smallFile({ 16: 'cache_dir = "b"\nweight = 3' }));
    const second = node.reload();
    expect(node.applied).toHaveLength(1);
    gate.resolve();
    await Promise.all([first, second]);
    expect(node.applied.map((t) => t.levels[0]?.servers[1]?.weight)).toEqual([2, 3]);
  });

  test("that fails while it is applied is said and counted, and the next one is made", async () => {
    let failures = 1;
    const node = makeNode(async () => {
      if (failures-- > 0) throw new Error("no");
    });
    node.write(HEAVIER);
    await node.reload();
    expect(node.count("reload_refused")).toBe(1);
    node.write(smallFile({ 16: 'cache_dir = "b"\nweight = 3' }));
    await node.reload();
    expect(node.count("reload")).toBe(1);
  });
});
