/** Takes the place of sharp's own loader in the executable: the addon and libvips come from inside it. */

// The bundler knows process.arch and leaves the other branch out, so one pair of files is embedded.
const { loadAddon } = require("./native-load.ts");

module.exports = loadAddon(
  process.arch === "arm64" ? require("./embedded-arm64.ts") : require("./embedded-x64.ts"),
);
