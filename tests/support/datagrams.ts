/** A unix datagram socket that listens, as a service manager has one. */

import { dlopen, FFIType, ptr } from "bun:ffi";

const AF_UNIX = 1;
const SOCK_DGRAM_NONBLOCK = 2 | 0o4000;

export interface Datagrams extends Disposable {
  /** Everything that has come so far, in order. */
  all(): readonly string[];
}

/** `address` is a path, or `@name` for one without a file. */
export function listenForDatagrams(address: string): Datagrams {
  const { i32, u64, i64, ptr: pointer } = FFIType;
  const libc = dlopen("libc.so.6", {
    socket: { args: [i32, i32, i32], returns: i32 },
    bind: { args: [i32, pointer, i32], returns: i32 },
    recv: { args: [i32, pointer, u64, i32], returns: i64 },
    close: { args: [i32], returns: i32 },
  });
  const { socket, bind, recv, close } = libc.symbols;
  const fd = socket(AF_UNIX, SOCK_DGRAM_NONBLOCK, 0);
  const path = Buffer.from(address.replace(/^@/, "\0"));
  const to = Buffer.concat([Buffer.from(new Uint16Array([AF_UNIX]).buffer), path]);
  if (bind(fd, ptr(to), to.length) !== 0) throw new Error(`cannot bind ${address}`);
  const buffer = Buffer.alloc(65_536);
  const came: string[] = [];
  return {
    all() {
      for (;;) {
        const bytes = Number(recv(fd, ptr(buffer), buffer.length, 0));
        if (bytes < 0) return came;
        came.push(buffer.toString("utf8", 0, bytes));
      }
    },
    [Symbol.dispose]() {
      close(fd);
      libc.close();
    },
  };
}
