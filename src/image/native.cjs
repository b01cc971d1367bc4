/** Takes the place of sharp's own loader in the executable: the addon and libvips come from inside it. */

const { loadAddon } = require("./native-load.ts");

module.exports = loadAddon(require("./embedded.ts"));
