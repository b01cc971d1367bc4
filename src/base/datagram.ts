/** Sends datagrams to a unix socket, for which the runtime has nothing. */

import { dlopen, FFIType, ptr } from "bun:ffi";
import { LIBC } from "./libc.ts";

const AF_UNIX = 1;
const SOCK_DGRAM = 2;
const SOCK_NONBLOCK = 0o4000;
const SOCK_CLOEXEC = 0o2000000;
const MSG_NOSIGNAL = 0x4000;
const CLOCK_MONOTONIC = 1;
/** unix(7): a path has at most these bytes, its end counted. */
const PATH_BYTES = 108;

export interface DatagramSocket extends Disposable {
  /** Never waits; false when nobody took it. */
  send(text: string): boolean;
  /** CLOCK_MONOTONIC, which the runtime tells only from its own start on. */
  monotonicUs(): bigint;
}

/** `address` is a path, or a name without a file that begins with `@`. Undefined where it makes no sense, or cannot be had. */
export function openDatagramSocket(address: string): DatagramSocket | undefined {
  const to = socketAddress(address);
  if (to === undefined) return undefined;
  try {
    const libc = loadLibc();
    const { socket, sendto, close, clock_gettime } = libc.symbols;
    const fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) return undefined;
    return {
      send(text) {
        const bytes = Buffer.from(text);
        const sent = sendto(fd, ptr(bytes), bytes.length, MSG_NOSIGNAL, ptr(to), to.length);
        return Number(sent) === bytes.length;
      },
      monotonicUs() {
        const time = new BigInt64Array(2);
        clock_gettime(CLOCK_MONOTONIC, ptr(time));
        return (time[0] ?? 0n) * 1_000_000n + (time[1] ?? 0n) / 1000n;
      },
      [Symbol.dispose]() {
        close(fd);
        libc.close();
      },
    };
  } catch {
    // not this libc, or no FFI here
    return undefined;
  }
}

function loadLibc() {
  const { i32, u64, i64, ptr: pointer } = FFIType;
  return dlopen(LIBC, {
    socket: { args: [i32, i32, i32], returns: i32 },
    sendto: { args: [i32, pointer, u64, i32, pointer, i32], returns: i64 },
    close: { args: [i32], returns: i32 },
    clock_gettime: { args: [i32, pointer], returns: i32 },
  });
}

/** sockaddr_un: the family in the machine's order, then the path; a leading NUL for a name without a file. */
function socketAddress(address: string): Uint8Array | undefined {
  const abstract = address.startsWith("@");
  if (!abstract && !address.startsWith("/")) return undefined;
  const path = Buffer.from(abstract ? `\0${address.slice(1)}` : `${address}\0`);
  if (path.length > PATH_BYTES) return undefined;
  const bytes = new Uint8Array(2 + path.length);
  new Uint16Array(bytes.buffer, 0, 1)[0] = AF_UNIX;
  bytes.set(path, 2);
  return bytes;
}
