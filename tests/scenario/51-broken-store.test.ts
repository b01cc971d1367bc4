/** A store that breaks, and pictures that are not there, under load: the store is asked a few times and left alone. */

import { describe, expect, test } from "bun:test";
import { LIMITS } from "../../src/base/limits.ts";
import { type FaultyS3, type S3Fault, startFaultyS3 } from "../support/faulty-s3.ts";
import { startFlood } from "../support/flood.ts";
import { type Mesh, startMesh } from "../support/mesh.ts";
import { until } from "../support/until.ts";

const CLIENTS = 200;
const EDGES = ["edge-1", "edge-2"];

async function start(store: FaultyS3): Promise<Mesh> {
  return startMesh({
    edges: EDGES,
    regionals: ["regional-1"],
    origin: { is_s3_origin: true },
    tables: {
      s3: { host: store.endpoint, bucket: "photos", region: "us-east-1", path_style: true },
    },
    server: { workers: 2 },
    env: {
      MIR_S3_ACCESS_KEY_ID: store.keys.accessKeyId,
      MIR_S3_SECRET_ACCESS_KEY: store.keys.secretAccessKey,
    },
  });
}

function ports(mesh: Mesh): number[] {
  return EDGES.map((name) => mesh.node(name).port);
}

async function leftAlone(mesh: Mesh): Promise<boolean> {
  const { origins } = await mesh.status("regional-1");
  return origins.some((origin) => origin.leftAlone);
}

describe("under load", () => {
  test("a picture that is not there costs the store a handful of lookups", async () => {
    using store = startFaultyS3();
    await using mesh = await start(store);
    const path = "/puddle/missing-picture/orig/a.jpg";
    for (let round = 0; round < 3; round++) {
      const flood = await startFlood({ ports: ports(mesh), clients: CLIENTS, path });
      const statuses = new Set((await flood.answers).map(({ status }) => status));
      expect(statuses).toEqual(new Set([404]));
    }
    // each name a picture may have, asked for once by each worker of the regional that does not know yet
    const names = new Set(store.requests);
    expect(store.requests.length).toBeLessThanOrEqual(2 * names.size);
    expect(await mesh.counter("regional-1", "origin_get")).toBe(0);
  }, 60_000);

  for (const fault of [{ kind: "status", status: 500 }, { kind: "hang-up" }] satisfies S3Fault[]) {
    test(`a store that fails (${fault.kind}) is left alone, and used again when it is well`, async () => {
      using store = startFaultyS3();
      store.fault = () => fault;
      store.put("picture-healed.jpg", 100_000);
      await using mesh = await start(store);
      const get = async (n: number): Promise<number> => {
        const answer = await mesh.get(EDGES[n % 2] ?? "", `/puddle/picture-${n}/orig/a.jpg`);
        await answer.arrayBuffer();
        return answer.status;
      };
      const begun = performance.now();
      for (let round = 0; round < 5; round++) {
        const statuses = await Promise.all(
          Array.from({ length: CLIENTS }, (_, i) => get(round * CLIENTS + i)),
        );
        expect(statuses.filter((status) => status < 500)).toEqual([]);
      }
      const seconds = (performance.now() - begun) / 1000;
      // what was under way when it broke, and then a trial of two tries a second at most
      const atOnce = 2 * 2 * LIMITS.originLookupsMax;
      expect(store.requests.length).toBeLessThanOrEqual(atOnce + 2 * Math.ceil(seconds + 1));
      expect(store.requests.length).toBeLessThan((5 * CLIENTS) / 2);
      expect(await leftAlone(mesh)).toBe(true);
      expect(await mesh.counter("regional-1", "origin_refused")).toBeGreaterThan(0);

      store.fault = () => undefined;
      await until(async () => {
        const answer = await mesh.get("edge-1", "/puddle/picture-healed/orig/a.jpg");
        await answer.arrayBuffer();
        return answer.status === 200;
      }, "the store is used again");
      expect(await leftAlone(mesh)).toBe(false);
    }, 90_000);
  }
});
