/** Who is let in: both ends prove that they know the same control key, or nothing is said (spec §3). */

import { describe, expect, test } from "bun:test";
import { keyId, proofOf } from "../../../src/mesh/auth.ts";
import {
  encodeAsk,
  encodeHello,
  encodeProof,
  encodeRequest,
  encodeWarm,
  HEARTBEAT_FRAME,
  PING_FRAME,
} from "../../../src/wire/encode.ts";
import type { Hello } from "../../../src/wire/messages.ts";
import { codeOf, faultOf, readAll } from "../../support/bodies.ts";
import {
  answerOf,
  dialRaw,
  EPOCH,
  noise,
  type RawPeer,
  RELNAME,
  startAsker,
  startFakePeer,
  startOwner,
} from "../../support/peers.ts";
import { until } from "../../support/until.ts";

const CONTENT = noise(100);
const OLD = "the key of last year";
const NEW = "the key of this year";
const ASK = encodeAsk({ relname: RELNAME, role: "owner", epoch: EPOCH, hops: 0, deadlineMs: 5000 });

/** An owner with these keys that counts what it was asked. */
function startKeyed(keys: readonly string[], change: object = {}) {
  let asked = 0;
  const owner = startOwner(
    async () => {
      asked++;
      return answerOf(CONTENT);
    },
    { credentials: { keys }, ...change },
  );
  return Object.assign(owner, { asked: () => asked });
}

async function reaches(dialler: readonly string[], listener: readonly string[]): Promise<boolean> {
  await using owner = startKeyed(listener);
  using asker = startAsker(owner.port, { credentials: { keys: dialler } });
  try {
    return (await readAll((await asker.ask()).body)).length === CONTENT.length;
  } catch {
    expect(owner.asked()).toBe(0);
    return false;
  }
}

/** A bare dialler that says the hello of a node with the key; what the listener answered. */
async function halfway(peer: RawPeer, keys: readonly string[] = [keyId(OLD)]) {
  const mine: Hello = {
    name: "asker",
    epoch: EPOCH,
    version: 1,
    nonce: "a1".repeat(32),
    keys: [...keys],
  };
  peer.send(encodeHello(mine));
  await until(() => peer.says.length === 1);
  const [first] = peer.says;
  if (first?.kind !== "hello") throw new Error("no hello");
  return { mine, theirs: first.hello };
}

describe("a node reaches another one", () => {
  const sets = { none: [], old: [OLD], "new,old": [NEW, OLD], new: [NEW] };
  const good = ["none none", "old old", "old new,old", "new,old old", "new,old new,old"];
  good.push("new,old new", "new new,old", "new new");
  for (const [dialler, theirs] of Object.entries(sets)) {
    for (const [listener, ours] of Object.entries(sets)) {
      const expected = good.includes(`${dialler} ${listener}`);
      test(`with keys ${dialler} → ${listener}: ${expected ? "yes" : "no"}`, async () => {
        expect(await reaches(theirs, ours)).toBe(expected);
      });
    }
  }
});

describe("a listener with a key", () => {
  test("serves who proves that it has it", async () => {
    await using owner = startKeyed([OLD]);
    using peer = await dialRaw(owner.port, { hello: false });
    const { mine, theirs } = await halfway(peer);
    const hellos = { dialler: mine, listener: theirs };
    expect(theirs).toMatchObject({ key: keyId(OLD), proof: proofOf("listener", OLD, hellos) });
    peer.send(Buffer.concat([encodeProof({ proof: proofOf("dialler", OLD, hellos) }), ASK]));
    await until(() => peer.kinds.at(-1) === "end");
    expect(owner.count("auth_refused")).toBe(0);
  });

  test("takes the newest of its own keys that the dialler has", async () => {
    await using owner = startKeyed([NEW, OLD]);
    using peer = await dialRaw(owner.port, { hello: false });
    const { theirs } = await halfway(peer, [keyId(OLD), keyId(NEW)]);
    expect(theirs.key).toBe(keyId(NEW));
  });

  const early: Record<string, Uint8Array> = {
    "a question": ASK,
    "a bare request": encodeRequest(RELNAME),
    "a warm": encodeWarm({ relname: RELNAME }),
    "a ping": PING_FRAME,
    "a heartbeat": HEARTBEAT_FRAME,
    "a proof of nothing": encodeProof({ proof: "0".repeat(64) }),
  };
  for (const [name, frame] of Object.entries(early)) {
    test(`answers nothing and closes when ${name} comes instead of the proof`, async () => {
      await using owner = startKeyed([OLD]);
      using peer = await dialRaw(owner.port, { hello: false });
      await halfway(peer);
      peer.send(Buffer.concat([frame, ASK]));
      await until(() => peer.closed);
      expect(peer.kinds).toEqual(["hello"]);
      expect([owner.asked(), owner.count("auth_refused"), owner.count("peer_refused")]).toEqual([
        0, 1, 0,
      ]);
      expect(owner.lines.join("")).toContain("proof");
    });
  }

  test("closes on a dialler that names no key, or only others, before it says hello", async () => {
    await using owner = startKeyed([OLD]);
    for (const reason of ["no control key", "only other control keys"]) {
      using peer = await dialRaw(owner.port, { hello: false });
      const hello = { name: "x", epoch: EPOCH, version: 1, nonce: "0".repeat(64) };
      const keys = reason.startsWith("no ") ? {} : { keys: [keyId(NEW)] };
      peer.send(Buffer.concat([encodeHello({ ...hello, ...keys }), ASK]));
      await until(() => peer.closed);
      expect(peer.says).toEqual([]);
      expect(owner.lines.join("")).toContain(reason);
    }
    expect(owner.count("auth_refused")).toBe(2);
  });

  test("closes on a dialler that says hello and no more, when its time is up", async () => {
    await using owner = startKeyed([OLD], { deadlines: { helloMs: 30 } });
    using peer = await dialRaw(owner.port, { hello: false });
    await halfway(peer);
    await until(() => peer.closed);
    expect(owner.lines.join("")).toContain("no hello in time");
  });

  test("is not deceived by its own proof, nor by one that was good before", async () => {
    await using owner = startKeyed([OLD]);
    using first = await dialRaw(owner.port, { hello: false });
    const { mine, theirs } = await halfway(first);
    const overheard = proofOf("dialler", OLD, { dialler: mine, listener: theirs });
    for (const again of ["reflected", "replayed"]) {
      using peer = await dialRaw(owner.port, { hello: false });
      const { theirs: fresh } = await halfway(peer);
      const proof = again === "reflected" ? (fresh.proof ?? "") : overheard;
      peer.send(Buffer.concat([encodeProof({ proof }), ASK]));
      await until(() => peer.closed);
    }
    expect([owner.asked(), owner.count("auth_refused")]).toEqual([0, 2]);
  });

  test("refuses legacy peers, on loopback too, unless insecure = true", async () => {
    await using owner = startKeyed([OLD]);
    using peer = await dialRaw(owner.port, { hello: false });
    peer.send(encodeRequest(RELNAME));
    await until(() => peer.closed);
    expect([owner.asked(), owner.count("auth_refused")]).toEqual([0, 1]);
    await using open = startKeyed([OLD], { insecure: true });
    using legacy = await dialRaw(open.port, { hello: false });
    legacy.send(encodeRequest(RELNAME));
    await until(() => legacy.kinds.at(-1) === "bodyEnd");
    expect(await reaches([], [OLD])).toBe(false);
  });

  test("may be bound to more than loopback", async () => {
    expect(() => startKeyed([], { host: "0.0.0.0" })).toThrow("MIR_CONTROL_KEY");
    await using owner = startKeyed([OLD], { host: "0.0.0.0" });
    using asker = startAsker(owner.port, { credentials: { keys: [OLD] } });
    expect(await readAll((await asker.ask()).body)).toHaveLength(CONTENT.length);
  });
});

describe("a dialler with a key", () => {
  /** A listener that answers the hello as the test wants; what it was sent after that. */
  function impostor(answer: (hello: Hello) => Hello) {
    const heard: string[] = [];
    const peer = startFakePeer((piece, side) => {
      heard.push(piece.kind);
      if (piece.kind === "hello") side.send(encodeHello(answer(piece.hello)));
    }, "none");
    return Object.assign(peer, { heard });
  }
  const base: Hello = { name: "owner", epoch: EPOCH, version: 1, nonce: "1".repeat(64) };
  const impostors: Record<string, [(hello: Hello) => Hello, string]> = {
    "gives no proof": [() => base, "does not prove"],
    "names another key": [() => ({ ...base, key: keyId(NEW), proof: "0".repeat(64) }), "prove"],
    "gives a wrong proof": [
      () => ({ ...base, key: keyId(OLD), proof: "0".repeat(64) }),
      "wrong proof",
    ],
    "proves with another key": [
      (dialler) => ({
        ...base,
        key: keyId(OLD),
        proof: proofOf("listener", NEW, { dialler, listener: base }),
      }),
      "wrong proof",
    ],
    "has the proof of a node of another name": [
      (dialler) => ({
        ...base,
        key: keyId(OLD),
        proof: proofOf("listener", OLD, { dialler, listener: { ...base, name: "other" } }),
      }),
      "wrong proof",
    ],
    "has a proof for another dialler": [
      (dialler) => ({
        ...base,
        key: keyId(OLD),
        proof: proofOf("listener", OLD, { dialler: { ...dialler, name: "x" }, listener: base }),
      }),
      "wrong proof",
    ],
  };
  for (const [name, [answer, reason]] of Object.entries(impostors)) {
    test(`says nothing more to a listener that ${name}`, async () => {
      using peer = impostor(answer);
      using asker = startAsker(peer.port, { credentials: { keys: [OLD] } });
      const fault = await faultOf(asker.ask());
      expect(fault.code).toBe("peer_failed");
      expect(fault.message).toContain(reason);
      expect(asker.count("auth_refused")).toBe(1);
      expect(peer.heard).toEqual(["hello"]);
    });
  }

  test("gives up the right proof of the wrong node", async () => {
    await using other = startKeyed([OLD], { self: "somebody" });
    using asker = startAsker(other.port, { credentials: { keys: [OLD] } });
    expect(await codeOf(asker.ask())).toBe("peer_failed");
    expect(other.asked()).toBe(0);
  });

  test("never says the key itself", async () => {
    const said: Buffer[] = [];
    using peer = startFakePeer((piece) => said.push(Buffer.from(JSON.stringify(piece))), "none");
    using asker = startAsker(peer.port, {
      credentials: { keys: [OLD] },
      deadlines: { helloMs: 30 },
    });
    await codeOf(asker.ask());
    expect(said).toHaveLength(1);
    const text = Buffer.concat(said).toString();
    expect(text).toContain(keyId(OLD));
    for (const form of ["utf8", "hex", "base64"] as const) {
      expect(text).not.toContain(Buffer.from(OLD).toString(form));
    }
  });
});
