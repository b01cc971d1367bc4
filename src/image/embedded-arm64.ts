/** The native files of sharp for Linux arm64 (glibc), embedded: imported as files only, never also required. */

import libvips from "../../node_modules/@img/sharp-libvips-linux-arm64/lib/libvips-cpp.so.8.18.7" with {
  type: "file",
};
import addon from "../../node_modules/@img/sharp-linux-arm64/lib/sharp-linux-arm64-0.35.5.node" with {
  type: "file",
};
import type { EmbeddedFiles } from "./native-load.ts";

/** Paths inside the executable, and where the addon's RPATH looks for each (design decision 2). */
export const embedded: EmbeddedFiles["embedded"] = [
  { source: addon, place: "sharp-linux-arm64/lib/sharp.node" },
  { source: libvips, place: "sharp-libvips-linux-arm64/lib/libvips-cpp.so.8.18.7" },
];
