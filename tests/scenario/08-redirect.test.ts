/** `peer_mode`: the client is sent to the owner instead of being served through another node. */

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { outcomeOf } from "../support/cache-status.ts";
import { freePort } from "../support/free-port.ts";
import { type Mesh, startMesh } from "../support/mesh.ts";
import { writePicture } from "../support/pictures.ts";
import { makeTempDir } from "../support/temp-dir.ts";

const EDGES = ["edge-1", "edge-2", "edge-3"] as const;
const PATH = "/puddle/harbour/md/a.jpg";
/** Has no redirect_target. */
const UNKNOWN = "edge-3";

const photos = makeTempDir();
/** Each edge's own address, so that the targets can name it before it is bound. */
const ports = new Map<string, number>(EDGES.map((name) => [name, freePort()]));

function startWith(peerMode: string, options: { stale?: boolean } = {}): Promise<Mesh> {
  return startMesh({
    edges: EDGES,
    origin: { origin_dir: photos.path },
    tables: { routing: { peer_mode: peerMode } },
    serverOf: (name) => ({
      public: [{ type: "net", host: "127.0.0.1", port: ports.get(name) }],
      ...(name === UNKNOWN
        ? {}
        : {
            redirect_target: { host: "127.0.0.1", port: ports.get(options.stale ? UNKNOWN : name) },
          }),
    }),
  });
}

/** Without following anything. */
function first(mesh: Mesh, edge: string, path: string): Promise<Response> {
  return mesh.get(edge, path, { redirect: "manual" });
}

function isOwner(answer: Response | undefined): boolean {
  return answer?.status === 200 && outcomeOf(answer) !== "peer";
}

beforeAll(async () => {
  await writePicture(photos.path, "harbour.jpg", { width: 1600, height: 1200 });
  for (let i = 0; i < 12; i++) {
    await writePicture(photos.path, `quay-${i}0.jpg`, { width: 400, height: 300 });
  }
});

afterAll(() => photos[Symbol.dispose]());

describe("redirect", () => {
  test("sends the client to the owner, who answers; an owner without address is asked as usual", async () => {
    await using mesh = await startWith("redirect");
    let sentOn = 0;
    let streamed = 0;
    for (let i = 0; i < 12; i++) {
      const path = `/puddle/quay-${i}0/sm/a.jpg`;
      const answers = new Map<string, Response>();
      for (const edge of EDGES) answers.set(edge, await first(mesh, edge, path));
      const owner = EDGES.find((e) => isOwner(answers.get(e)));
      for (const [edge, answer] of answers) {
        if (edge === owner) continue;
        if (owner === UNKNOWN) {
          expect(outcomeOf(answer)).toBe("peer");
          streamed++;
          continue;
        }
        expect(answer.status).toBe(307);
        const location = answer.headers.get("location") ?? "";
        expect(location).toBe(`http://127.0.0.1:${ports.get(owner ?? "")}${path}?mir-redirect=1`);
        const followed = await fetch(location, { redirect: "manual" });
        expect(outcomeOf(followed)).toBe("hit");
        await followed.bytes();
        sentOn++;
      }
    }
    expect(sentOn).toBeGreaterThan(0);
    expect(streamed).toBeGreaterThan(0);
    const counts = await Promise.all(EDGES.map((e) => mesh.counter(e, "redirected")));
    expect(counts.reduce((a, b) => a + b)).toBe(sentOn);
  }, 60_000);

  test("a client that was sent to the wrong node is served there, not sent on", async () => {
    await using mesh = await startWith("redirect", { stale: true });
    for (const edge of EDGES) {
      const answer = await mesh.get(edge, PATH);
      expect(answer.status).toBe(200);
      expect((await answer.bytes()).length).toBeGreaterThan(1000);
    }
    const marked = await first(mesh, UNKNOWN, `${PATH}?mir-redirect=1`);
    expect(marked.status).toBe(200);
    await marked.bytes();
  }, 60_000);
});

describe("redirect-originals", () => {
  test("sends on for orig and streams the rest", async () => {
    await using mesh = await startWith("redirect-originals");
    const small = await Promise.all(EDGES.map((e) => first(mesh, e, PATH)));
    expect(small.map((a) => a.status)).toEqual([200, 200, 200]);
    for (let i = 0; i < 12; i++) {
      const path = `/puddle/quay-${i}0/orig/a.jpg`;
      const orig = await Promise.all(EDGES.map((e) => first(mesh, e, path)));
      const sent = orig.filter((a) => a.status === 307);
      for (const answer of sent) expect(answer.headers.get("location")).toContain("/orig/a.jpg?");
      if (sent.length > 0) return;
    }
    throw new Error("no original was sent on");
  }, 60_000);
});
