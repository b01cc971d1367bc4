/** What the executable can be built for: Linux on two processors, with two C libraries. */

export interface Target {
  readonly name: string;
  /** As Bun's compiler calls it. */
  readonly bun: Bun.Build.CompileTarget;
  /** As sharp calls it; the addon's RPATH has it too. */
  readonly sharp: string;
  /** The package that has Bun itself for it, and its hash at `BUN_VERSION`. */
  readonly runtime: { readonly name: string; readonly integrity: string };
}

/** Of the runtimes below; a test compares it with `packageManager` of package.json. */
export const BUN_VERSION = "1.4.5";

export const TARGETS: readonly Target[] = [
  {
    name: "linux-x64",
    bun: "bun-linux-x64",
    sharp: "linux-x64",
    runtime: {
      name: "@oven/bun-linux-x64",
      integrity:
        "sha512-IWX9BELoGHAUtMonkeSaNaZwXzRk+oDw6Mk+HBFXd3KHYIBNBsIGRupMZPcgNoDbJpLu6gAJjIoIVPZtt1aJ1g==",
    },
  },
  {
    name: "linux-arm64",
    bun: "bun-linux-arm64",
    sharp: "linux-arm64",
    runtime: {
      name: "@oven/bun-linux-aarch64",
      integrity:
        "sha512-4BXmsSKnjOrlGWqZV4x/oWa7AVoR+B6lCXddMzOAXBIm3t50eslg9wb66gmtW1AamEQ1l1CDvmmruysEhqOWMg==",
    },
  },
  {
    name: "linux-x64-musl",
    bun: "bun-linux-x64-musl",
    sharp: "linuxmusl-x64",
    runtime: {
      name: "@oven/bun-linux-x64-musl",
      integrity:
        "sha512-10QoW/YfTgnURaGEaHpJCiXjLI2e5iTtfVDaA5JKcyUzaa1cq6cVUY9/Uq5XkYzvtRjHLRe9Oj/lTDIQcxy8HQ==",
    },
  },
  {
    name: "linux-arm64-musl",
    bun: "bun-linux-arm64-musl",
    sharp: "linuxmusl-arm64",
    runtime: {
      name: "@oven/bun-linux-aarch64-musl",
      integrity:
        "sha512-XCNc+WvvMAdNNb+OWTogpy+N9wm62fkVeEVLb6how0RZhW5LPi6c7BlkeVCuWps7XjEl2saFpHFa20/1E+PAHg==",
    },
  },
];

/** The packages with the addon and with libvips. */
export const nativePackages = ({ sharp }: Target): readonly [addon: string, libvips: string] => [
  `@img/sharp-${sharp}`,
  `@img/sharp-libvips-${sharp}`,
];
