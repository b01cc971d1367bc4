/** The native files of sharp inside the executable: the build puts those of its target here (scripts/compile.ts). */

import type { EmbeddedFiles } from "./native-load.ts";

/** Paths inside the executable, and where the addon's RPATH looks for each (design decision 2). */
export const embedded: EmbeddedFiles["embedded"] = [];
