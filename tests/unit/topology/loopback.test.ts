/** Which addresses are this machine's own: legacy peers from anywhere else are turned away. */

import { expect, test } from "bun:test";
import { isLoopback } from "../../../src/topology/hosts.ts";

test("loopback is localhost, 127.0.0.0/8 and ::1, also as IPv4 in IPv6", () => {
  for (const own of [
    "localhost",
    "127.0.0.1",
    "127.9.8.7",
    "::1",
    "::ffff:127.0.0.1",
    "LOCALHOST",
  ]) {
    expect(isLoopback(own)).toBe(true);
  }
});

test("nothing else is, however much it looks like it", () => {
  const others = [
    "0.0.0.0",
    "::",
    "10.0.0.1",
    "127.evil.example.com",
    "127.0.0.1.example.com",
    "localhost.example.com",
  ];
  for (const other of [...others, "", "::ffff:10.0.0.1", "1127.0.0.1", "127.0.0"]) {
    expect(isLoopback(other)).toBe(false);
  }
});
