/**
 * A node of the original protocol, written from the table of its eight commands alone: nothing of `src/` is
 * used, so that a mistake there does not cancel itself out here.
 */

import type { Socket } from "bun";

export interface LegacyFrame {
  readonly command: string;
  readonly data: Buffer;
}

/** `[5 bytes length, big-endian, of command and data][command][data]`. */
export function legacyFrame(command: string, data: Uint8Array | string = ""): Buffer {
  const bytes = Buffer.from(data as string);
  const head = Buffer.alloc(6);
  head.writeUIntBE(bytes.length + 1, 0, 5);
  head.write(command, 5, "latin1");
  return Buffer.concat([head, bytes]);
}

/** Data of `=` and `&`: 3 bytes of JSON length, JSON, content. */
export function legacyContent(relname: string, content: Uint8Array): Buffer {
  const json = Buffer.from(JSON.stringify({ relname }));
  const length = Buffer.alloc(3);
  length.writeUIntBE(json.length, 0, 3);
  return Buffer.concat([length, json, content]);
}

export function readLegacyContent(data: Buffer): { relname: string; content: Buffer } {
  const end = 3 + data.readUIntBE(0, 3);
  const { relname } = JSON.parse(data.subarray(3, end).toString()) as { relname: string };
  return { relname, content: data.subarray(end) };
}

/** Frames out of what has come so far; the rest stays. */
class Frames {
  #rest: Buffer = Buffer.alloc(0);

  *add(chunk: Uint8Array): Generator<LegacyFrame> {
    this.#rest = Buffer.concat([this.#rest, chunk]);
    while (this.#rest.length >= 6) {
      const end = 5 + this.#rest.readUIntBE(0, 5);
      if (this.#rest.length < end) return;
      const command = this.#rest.toString("latin1", 5, 6);
      const data = Buffer.from(this.#rest.subarray(6, end));
      this.#rest = this.#rest.subarray(end);
      yield { command, data };
    }
  }
}

export interface LegacyPeer extends Disposable {
  readonly port: number;
  readonly stored: Map<string, Buffer>;
  /** Every frame it was sent, in order. */
  readonly heard: LegacyFrame[];
  readonly accepted: number;
  /** Relnames whose `+` or `=` is answered by closing. */
  readonly closeOn: Set<string>;
  /** Said between two frames of its own. */
  chatter: Buffer;
}

interface Side {
  readonly frames: Frames;
  rest: Buffer;
}

export function startLegacyPeer(): LegacyPeer {
  const peer = {
    stored: new Map<string, Buffer>(),
    heard: [] as LegacyFrame[],
    closeOn: new Set<string>(),
    chatter: Buffer.alloc(0),
    accepted: 0,
  };
  const flush = (socket: Socket<Side>): void => {
    const taken = socket.write(socket.data.rest);
    socket.data.rest = socket.data.rest.subarray(Math.max(0, taken));
  };
  const say = (socket: Socket<Side>, frame: Buffer): void => {
    socket.data.rest = Buffer.concat([socket.data.rest, peer.chatter, frame]);
    flush(socket);
  };
  const server = Bun.listen<Side>({
    hostname: "127.0.0.1",
    port: 0,
    socket: {
      open(socket) {
        peer.accepted++;
        socket.data = { frames: new Frames(), rest: Buffer.alloc(0) };
      },
      data(socket, chunk) {
        for (const frame of socket.data.frames.add(chunk)) {
          peer.heard.push(frame);
          if (!act(peer, frame, (answer) => say(socket, answer))) {
            socket.terminate();
            return;
          }
        }
      },
      drain: flush,
    },
  });
  return Object.assign(peer, {
    port: server.port,
    [Symbol.dispose]: () => server.stop(true),
  });
}

/** False: the connection is to be closed, which is all a legacy node can say to a failure. */
function act(
  peer: Pick<LegacyPeer, "stored" | "closeOn">,
  { command, data }: LegacyFrame,
  say: (answer: Buffer) => void,
): boolean {
  switch (command) {
    case "#":
      return data.toString() === "HEARTBEAT";
    case "^":
      say(legacyFrame("*", "PONG"));
      return data.toString() === "PING";
    case "*":
      return data.toString() === "PONG";
    case "+": {
      const relname = data.toString().replace(/^\//, "");
      if (peer.closeOn.has(relname)) return false;
      const content = peer.stored.get(relname) ?? Buffer.alloc(0);
      say(legacyFrame("=", legacyContent(relname, content)));
      return true;
    }
    case "=":
    case "&": {
      const { relname, content } = readLegacyContent(data);
      if (peer.closeOn.has(relname)) return false;
      peer.stored.set(relname, content);
      return true;
    }
    case "-":
    case "@":
      return true;
    default:
      return false;
  }
}
