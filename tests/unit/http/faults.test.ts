/** Failures as clients see them. */

import { describe, expect, test } from "bun:test";
import { FAULTS, Fault, isFaultCode } from "../../../src/base/fault.ts";
import { faultResponse } from "../../../src/http/faults.ts";

const CODES = Object.keys(FAULTS).filter(isFaultCode);
const respond = (error: unknown, allowOrigin = "*"): Response =>
  faultResponse(error, { allowOrigin });

describe("a fault", () => {
  test("is small JSON with code, message and hint, under the status of the table", async () => {
    for (const code of CODES) {
      const response = respond(new Fault(code, "what went wrong"));
      const { status, told, hint } = FAULTS[code];
      const message = status < 499 ? "what went wrong" : told;
      expect(response.status).toBe(status);
      expect(response.headers.get("content-type")).toBe("application/json");
      expect(await response.json()).toEqual({ error: { code, message, hint } });
    }
  });

  test("of the inside of the mesh is told in full to operators only", async () => {
    const fault = new Fault("too_slow", "regional-1 did not answer in time");
    expect(await respond(fault).text()).not.toContain("regional-1");
    const toOperator = faultResponse(fault, { allowOrigin: "", forOperator: true });
    expect(await toOperator.text()).toContain("regional-1");
  });

  test("says nothing to clients that only an operator can do, nor the same twice", () => {
    for (const code of CODES) {
      const { told, hint } = FAULTS[code];
      expect(`${told} ${hint}`).not.toMatch(/\bmir \w|--|MIR_|topology|\blog\b|endpoint|disk/);
      expect(hint).not.toContain(told);
    }
  });

  test("may be kept as long as the table says, and otherwise not at all", () => {
    const caching = (code: (typeof CODES)[number]) =>
      respond(new Fault(code, "m")).headers.get("cache-control");
    expect(caching("not_found")).toBe("max-age=5");
    expect(caching("bad_url")).toBe("max-age=60");
    expect(caching("range_not_satisfiable")).toBe("max-age=60");
    expect(caching("undecodable")).toBe("max-age=60");
    for (const code of ["unauthorized", "internal", "overloaded", "bad_origin"] as const) {
      expect([code, caching(code)]).toEqual([code, "no-store"]);
    }
  });

  test("is never sniffed for another type, and readable by the scripts the site allows", () => {
    expect(respond(new Fault("bad_url", "m")).headers.get("x-content-type-options")).toBe(
      "nosniff",
    );
    const allowed = (origin: string) =>
      respond(new Fault("bad_url", "m"), origin).headers.get("access-control-allow-origin");
    expect(allowed("https://photos.example")).toBe("https://photos.example");
    expect(allowed("")).toBeNull();
  });

  test("of 503 tells in whole seconds when to come back, at least one", () => {
    const after = (retryAfterMs?: number) =>
      respond(
        new Fault("overloaded", "m", retryAfterMs === undefined ? {} : { retryAfterMs }),
      ).headers.get("retry-after");
    expect(after()).toBe("1");
    expect(after(0)).toBe("1");
    expect(after(1)).toBe("1");
    expect(after(1001)).toBe("2");
    expect(respond(new Fault("bad_origin", "m")).headers.get("retry-after")).toBeNull();
  });

  test("of 405 tells what is allowed", () => {
    const { headers } = respond(new Fault("method_not_allowed", "m"));
    expect(headers.get("allow")).toBe("GET, HEAD, OPTIONS");
  });

  test("of 401 tells how to prove oneself", () => {
    expect(respond(new Fault("unauthorized", "m")).headers.get("www-authenticate")).toBe("Bearer");
  });

  test("that nobody foresaw says nothing of the machine", async () => {
    const secret = "/var/cache/mir/secret at line 3";
    for (const error of [
      new Error(secret),
      secret,
      new Fault("internal", secret),
      new Fault("internal", "m", { cause: new Error(secret) }),
      new Fault("bad_origin", "the store failed", { cause: new Error(secret) }),
    ]) {
      expect(await respond(error).text()).not.toContain("secret");
    }
  });
});
