/** The version of this program, written in at build time. */

declare const MIR_VERSION: string | undefined;

/** `0.1.0+abc1234`; `source` when run without a build. */
export const version: string = typeof MIR_VERSION === "undefined" ? "source" : MIR_VERSION;
