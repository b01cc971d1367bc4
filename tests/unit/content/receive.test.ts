/** Variants that peers move here: kept once, verified, and never beside a load of the same name. */

import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { Fault } from "../../../src/base/fault.ts";
import { parseRelname } from "../../../src/base/variant.ts";
import { keyOf } from "../../../src/content/load.ts";
import { receiveVariant } from "../../../src/content/receive.ts";
import type { SaveMessage } from "../../../src/mesh/tell.ts";
import { codeOf } from "../../support/bodies.ts";
import { metaOf, putBytes, relnameOfNumber } from "../../support/cache-dir.ts";
import { makeNodeParts, type NodeParts } from "../../support/node-parts.ts";
import { bodyOf } from "../../support/picture-site.ts";
import { drawJpeg } from "../../support/pictures.ts";
import { until } from "../../support/until.ts";

const RELNAME = relnameOfNumber(1);
const CONTENT = Buffer.alloc(9000, "content ");
const META = metaOf(RELNAME, CONTENT.length, { lossySteps: 2 });
const PICTURE = await drawJpeg({ width: 20, height: 10 });

function message(more: Partial<SaveMessage> = {}): SaveMessage {
  return {
    kind: "rebalance",
    meta: META,
    shape: undefined,
    upload: undefined,
    bytes: CONTENT.length,
    body: bodyOf([CONTENT.subarray(0, 4000), CONTENT.subarray(4000)]),
    peer: "edge-2",
    legacy: false,
    signal: new AbortController().signal,
    ...more,
  };
}

function nodeAndReceive() {
  const node = makeNodeParts({ self: "edge-1", edges: ["edge-1", "edge-2"] });
  return { node, receive: (told: SaveMessage) => receiveVariant(node.parts, told, nameOf(told)) };
}

function nameOf({ meta }: SaveMessage) {
  return parseRelname(meta.relname) ?? { id: "", size: "", ext: "" };
}

function lead({ parts }: NodeParts, relname: string) {
  const entered = parts.flights.enter(keyOf(nameOf(message({ meta: { relname } }))));
  if (entered.kind !== "lead") throw new Error(entered.kind);
  return entered.lead;
}

describe("a variant that is moved here", () => {
  test("is kept as it is described", async () => {
    const { node, receive } = nodeAndReceive();
    using _ = node;
    expect(await receive(message())).toEqual({ note: "stored" });
    expect(node.parts.cache.peek(RELNAME)).toEqual(META);
    expect(readFileSync(node.parts.cache.pathOf(RELNAME)).equals(CONTENT)).toBe(true);
    expect(node.watched.count("rebalance_kept")).toBe(1);
    expect(node.parts.cache.pinned()).toEqual([]);
  });

  test("is not read when it is here already", async () => {
    const { node, receive } = nodeAndReceive();
    using _ = node;
    putBytes(node.parts.cache, RELNAME);
    const body = bodyOf([CONTENT]);
    expect(await receive(message({ body }))).toEqual({ note: "already" });
    expect(body.reads).toBe(0);
  });

  test("waits for a load of its name, and is not needed when that is kept", async () => {
    const { node, receive } = nodeAndReceive();
    using _ = node;
    const load = lead(node, RELNAME);
    const body = bodyOf([CONTENT]);
    const receiving = receive(message({ body }));
    putBytes(node.parts.cache, RELNAME);
    load.done({ meta: META, source: "upstream", via: "", temp: "", stored: true });
    expect(await receiving).toEqual({ note: "already" });
    expect(body.reads).toBe(0);
  });

  test("takes the place of a load that failed", async () => {
    const { node, receive } = nodeAndReceive();
    using _ = node;
    const load = lead(node, RELNAME);
    const receiving = receive(message());
    load.fail(new Fault("peer_failed", "gone"));
    expect(await receiving).toEqual({ note: "stored" });
  });

  test("is given up when its peer goes while it waits for a load", async () => {
    const { node, receive } = nodeAndReceive();
    using _ = node;
    lead(node, RELNAME);
    const gone = new AbortController();
    const receiving = codeOf(receive(message({ signal: gone.signal })));
    gone.abort();
    expect(await receiving).toBe("peer_failed");
  });

  test("leaves nothing behind when it breaks off, and those who waited for it are free to fetch it", async () => {
    const { node, receive } = nodeAndReceive();
    using _ = node;
    const body = bodyOf([CONTENT.subarray(0, 4000)], new Fault("peer_failed", "gone"));
    const receiving = codeOf(receive(message({ body })));
    const joined = node.parts.flights.enter(keyOf(nameOf(message())));
    if (joined.kind !== "joined") throw new Error(joined.kind);
    expect(await receiving).toBe("peer_failed");
    expect(joined.ticket.look().kind).toBe("solo");
    expect(node.parts.cache.peek(RELNAME)).toBeUndefined();
    expect(node.parts.cache.usage().reservedBytes).toBe(0);
  });

  test("is refused where there is no room, before a byte is read", async () => {
    const { node, receive } = nodeAndReceive();
    using _ = node;
    const bytes = 65 << 20;
    const body = bodyOf([CONTENT]);
    const told = message({ meta: { ...META, bytes }, bytes, body });
    expect(await codeOf(receive(told))).toBe("disk_full");
    expect(body.reads).toBe(0);
    // and the next one is not kept waiting for it
    expect(await receive(message())).toEqual({ note: "stored" });
  });
});

describe("a legacy peer, which says only the relname", () => {
  test("has its variant kept with a validator minted here", async () => {
    const { node, receive } = nodeAndReceive();
    using _ = node;
    expect(await receive(message({ meta: { relname: RELNAME }, legacy: true }))).toEqual({
      note: "stored",
    });
    const validator = Bun.hash.xxHash64(CONTENT).toString(16).padStart(16, "0");
    expect(node.parts.cache.peek(RELNAME)).toMatchObject({ validator, bytes: CONTENT.length });
    await until(() => node.parts.flights.enter(keyOf(nameOf(message()))).kind === "lead");
  });

  test("is believed of an original only what its bytes say", async () => {
    const { node, receive } = nodeAndReceive();
    using _ = node;
    const send = (ext: string) =>
      receive(
        message({
          meta: { relname: relnameOfNumber(2, "orig", ext) },
          ...{ legacy: true, bytes: PICTURE.length, body: bodyOf([PICTURE]) },
        }),
      );
    expect(await codeOf(send("png"))).toBe("wrong_ext");
    expect(await send("jpg")).toEqual({ note: "stored" });
  });
});
