/** Whether an address is this machine's own. */

const LOOPBACK_V4 = /^(?:::ffff:)?127(?:\.[0-9]{1,3}){3}$/i;

/** For addresses as sockets tell them and for names as topologies have them. */
export function isLoopback(address: string): boolean {
  return address === "localhost" || address === "::1" || LOOPBACK_V4.test(address);
}
