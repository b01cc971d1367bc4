/** What has arrived is handled between two pieces of work. */

import { expect, test } from "bun:test";
import { nextTurn } from "../../../src/base/next-turn.ts";

const TIMES = 5;

test("a request that is there already is answered within one turn", async () => {
  const asked: string[] = [];
  using server = Bun.serve({
    ...{ hostname: "127.0.0.1", port: 0 },
    fetch(request) {
      asked.push(new URL(request.url).pathname);
      return new Response("x");
    },
  });
  // in one go: while it runs, this thread stands still
  const ask = (path: string): void => {
    const request = `GET ${path} HTTP/1.1\\r\\nHost: a\\r\\n\\r\\n`;
    const script = `const socket = require("node:net").connect(${server.port}, "127.0.0.1", () => {
      socket.write("${request}", () => process.exit());
    });`;
    Bun.spawnSync([process.execPath, "-e", script]);
  };
  const expected: string[] = [];
  for (let turn = 0; turn < TIMES; turn++) {
    // goes on from what the event loop had for a socket, as most of our work does
    await (await fetch(`${server.url}own`)).text();
    ask(`/other-${turn}`);
    await nextTurn();
    expected.push("/own", `/other-${turn}`);
    expect(asked).toEqual(expected);
  }
}, 30_000);
