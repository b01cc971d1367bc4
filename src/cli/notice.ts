/** `mir notice`: the licences of all that is in this executable. */

import { defineCommand } from "citty";
import notice from "../../NOTICE" with { type: "text" };
import { terminal } from "./output.ts";

export const noticeCommand = defineCommand({
  meta: { name: "notice", description: "licences of all that is in this executable" },
  run() {
    const text: string = notice;
    terminal.write(text);
  },
});
