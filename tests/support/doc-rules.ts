/**
 * Which commands of the documentation are not run where their block says, and why. A command that is in neither of
 * these tables is run by tests/executable/documentation.test.ts; one that cannot be run there gets a row with its reason.
 */

import { NGINX } from "./nginx.ts";

export interface LeftOut {
  readonly line: RegExp;
  readonly why: string;
}

/** Lines of blocks. Their syntax is checked all the same, and so are the flags of mir. */
export const LEFT_OUT: readonly LeftOut[] = [
  {
    line: /^npx --yes bun@[\d.]+ run (build|test|check)\b/,
    why: "what runs this test has done it",
  },
  { line: /^npx --yes bun@[\d.]+ run demo\b/, why: "tests/unit/cli/demo.test.ts runs it" },
  {
    line: /^bun (run (docs|format)|src\/main\.ts|test)\b/,
    why: "for who works on mir; see the page",
  },
  {
    line: /^(dist\/)?mir serve\b/,
    why: "runs until it is stopped; every scenario starts nodes so",
  },
  { line: /^mir bench\b/, why: "tests/scenario/60-bench.test.ts runs it" },
  {
    line: /^bun run build --target\b/,
    why: "tests/executable/targets.test.ts builds for other machines",
  },
  { line: /^bun scripts\/container\.ts\b/, why: "wants root and buildah; see docs/operations.md" },
  { line: /^(docker|podman)\b/, why: "no container engine here" },
  ...(NGINX === undefined
    ? [{ line: /^nginx\b|^systemctl restart nginx$|:8000\//, why: "nginx is not installed" }]
    : []),
];

/** What a block prints where that is more than an exit code of 0; asked again until it does. */
export const PRINTS: readonly { readonly block: RegExp; readonly out: RegExp }[] = [
  { block: /^dist\/mir check topology\/two/m, out: /edge-1[\s\S]*regional-1[\s\S]*photos/ },
  { block: /http:\/\/mir\/readyz$/m, out: /^ready/m },
  { block: /^stat -c/m, out: /^600 .*secrets$/m },
  { block: /^mir rebalance --status/m, out: /left 0/ },
  { block: /"epoch":/, out: /"epoch":"[0-9a-f]{16}"/ },
  { block: /"auth_refused":/, out: /"auth_refused":0/ },
  { block: /\^mir_outbox/, out: /mir_outbox_pending 0/ },
  { block: /"peers":/, out: /"name":"regional-1","state":"up"/ },
  { block: /^mir upload harbour/m, out: /detail=(generated|peer|upstream); stored/ },
  { block: /^curl .*harbour.*cache-status$/m, out: /mir-edge-1; hit/ },
  { block: /^find \/srv\/photos/m, out: /orig\/harbour-2024\.jpg/ },
];

/** First words of commands: a block that has one of them at the start of a line is a block of `sh`. */
export const COMMAND_WORDS =
  /^(sudo |[A-Z_]+=\S+ )*(npx|bun|mir|dist\/mir|curl|systemctl|journalctl|docker|podman|install|scp|sed|useradd|nginx|promtool)\s/m;
