/** What a body asks of its connection, and until when. */

import { expect, test } from "bun:test";
import { LIMITS } from "../../../src/base/limits.ts";
import { IncomingBody } from "../../../src/mesh/incoming-body.ts";
import { answerHeader, encodeEnd, encodeSaveHead } from "../../../src/wire/encode.ts";
import { makeDigest } from "../../../src/wire/xxhash.ts";
import { readAll } from "../../support/bodies.ts";
import { noise, startAsker, startFakePeer, variantOf } from "../../support/peers.ts";

const CONTENT = noise(LIMITS.linkUnreadBytesMax + 100_000);

function endOf(content: Uint8Array) {
  const digest = makeDigest();
  digest.update(content);
  return { bytes: content.length, xxh64: digest.hex() };
}

function makeRecorded(bytes: number) {
  const said: string[] = [];
  const body = new IncomingBody(bytes, {
    pause: () => said.push("pause"),
    resume: () => said.push("resume"),
    waiting: (on) => said.push(on ? "waiting" : "served"),
    abandon: () => said.push("abandon"),
  });
  return { body, said };
}

test("a body pauses its connection above the maximum unread, and resumes it well below", async () => {
  const { body, said } = makeRecorded(2 * CONTENT.length);
  body.push(CONTENT.subarray(0, LIMITS.linkUnreadBytesMax));
  expect(said).toEqual([]);
  body.push(CONTENT.subarray(LIMITS.linkUnreadBytesMax));
  expect(said).toEqual(["pause"]);
  await body.read();
  expect(said).toEqual(["pause", "resume"]);
});

test("once it is verified it leaves the connection alone, which may serve another request", async () => {
  const { body, said } = makeRecorded(CONTENT.length);
  body.push(CONTENT.subarray(0, LIMITS.linkUnreadBytesMax));
  body.push(CONTENT.subarray(LIMITS.linkUnreadBytesMax));
  expect(body.verify(endOf(CONTENT))).toBeUndefined();
  expect(await readAll(body)).toHaveLength(CONTENT.length);
  body.cancel();
  expect(said).toEqual(["pause"]);
});

test("a connection that was paused for one answer serves the next one", async () => {
  const meta = variantOf(CONTENT.length);
  const header = answerHeader({ meta, via: "", detail: "", offset: 0, head: false });
  const answer = [encodeSaveHead(header, CONTENT.length), CONTENT, encodeEnd(endOf(CONTENT))];
  using peer = startFakePeer((piece, side) => {
    if (piece.kind === "ask") side.send(Buffer.concat(answer));
  });
  using asker = startAsker(peer.port, { connectionsMax: 1 });
  for (let i = 0; i < 20; i++) {
    const unread = await asker.ask();
    const next = asker.ask();
    expect(await readAll(unread.body)).toHaveLength(CONTENT.length);
    expect(await readAll((await next).body)).toHaveLength(CONTENT.length);
  }
});
