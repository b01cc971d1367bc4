/** What each key of a topology file means, for the tables of docs/topology.md: `bun run docs`. */

/** Beside what the schema itself says of a key: what it may hold, and its default where that is one value. */
export interface KeyNote {
  readonly meaning: string;
  /** What a key that is not there stands for, where the schema does not tell. */
  readonly fallback?: string;
}

/** By schema key (see `schemaKeys`). */
export const KEY_NOTES: Readonly<Record<string, KeyNote>> = {
  "meta.name": { meaning: "name of the mesh" },
  "meta.description": { meaning: "for people" },
  "meta.version": { meaning: "for people: the version of your file" },
  "levels.servers.name": {
    meaning:
      "unique in the file; ownership is decided by it, so renaming a server moves its content",
  },
  "levels.servers.region": { meaning: "location, see above" },
  "levels.servers.weight": { meaning: "share of the group's content, in proportion" },
  "levels.servers.draining": {
    meaning: "the server is leaving: it is ranked last, and still asked for what it has",
  },
  "levels.servers.legacy": {
    meaning:
      "the server speaks only the eight plain commands: it is dialled without hello, control key and TLS, gets one message at a time, and nothing is known of its pictures but their bytes",
  },
  "levels.servers.cache_dir": {
    meaning:
      "directory of the cache, its path of at most 1,024 bytes; everything in it belongs to mir",
    fallback: "**required** unless an origin",
  },
  "levels.servers.cache_dirs": {
    meaning:
      "where pictures lie, one directory a disk, at most 32; see [Several disks](#several-disks)",
    fallback: "`[cache_dir]`",
  },
  "levels.servers.capacity": {
    meaning: "bytes that the cache may take on disk, in all directories together",
    fallback: "90 % of each file system",
  },
  "levels.servers.ram": {
    meaning:
      "bytes of answers held in memory: of the smallest and most asked ones, shared out evenly among the workers; beside it each worker holds up to 16 MiB of what peers ask for again and again, and never more than this",
  },
  "levels.servers.workers": { meaning: "serving threads" },
  "levels.servers.image_workers": { meaning: "processes that make pictures" },
  "levels.servers.is_s3_origin": { meaning: "this is the store of `[s3]`, not a process" },
  "levels.servers.origin_dir": {
    meaning:
      "this is a directory of originals, not a process; links in it are followed. [How originals are named](operations.md#originals)",
  },
  "levels.servers.public.type": { meaning: "TCP, or unix sockets" },
  "levels.servers.public.host": { meaning: "address to bind", fallback: "**required** for `net`" },
  "levels.servers.public.port": {
    meaning: "0: any free port, told by `mir serve`",
    fallback: "**required** for `net`",
  },
  "levels.servers.public.upload": {
    meaning:
      "whether uploads (`POST /upload-propagate`) are taken here; they need a key of `MIR_UPLOAD_KEYS`",
  },
  "levels.servers.public.tls": {
    meaning:
      "for `net`: TLS where there is a `[tls]`; `false` keeps plain HTTP, for a proxy on the same machine",
  },
  "levels.servers.public.path": {
    meaning:
      "`/run/mir/edge.sock` becomes `/run/mir/edge.0.sock` for worker 0, and so on; at most 107 bytes with the number",
    fallback: "**required** for `unix`",
  },
  "levels.servers.public.workers": { meaning: "for `unix`: how many workers open a socket" },
  "levels.servers.private.host": { meaning: "where peers dial" },
  "levels.servers.private.port": { meaning: "" },
  "levels.servers.private.bind": {
    meaning: "the address to bind, where it is another one",
    fallback: "`host`",
  },
  "levels.servers.admin.host": {
    meaning: "address to bind; one that is not loopback needs `MIR_ADMIN_TOKEN`",
  },
  "levels.servers.admin.port": { meaning: "0: any free port" },
  "levels.servers.redirect_target.host": { meaning: "as clients know it" },
  "levels.servers.redirect_target.port": { meaning: "" },
  "levels.servers.redirect_target.scheme": {
    meaning: "",
    fallback: '`"https"` with port 443, else `"http"`',
  },
  "s3.host": {
    meaning:
      "a bare host means https; `http://127.0.0.1:9000` is accepted; without `bucket` the host names the bucket",
  },
  "s3.bucket": { meaning: "name of the bucket" },
  "s3.region": { meaning: "region that requests are signed for" },
  "s3.prefix": { meaning: "put before every key in the bucket" },
  "s3.path_style": {
    meaning: "the bucket goes into the path and not into the host; needs `bucket`",
    fallback: "`true` for IP addresses and `localhost` with `bucket`, else `false`",
  },
  "services.content_resolution_api": {
    meaning: "`GET {api}/{webId}` gives the content id; without it the web id is the content id",
  },
  "services.thumbnail_endpoint": {
    meaning:
      "an HTTP service that makes variants smaller, and from what cannot be decoded here (HEIC); image workers do what it does not. See [operations](operations.md)",
  },
  "routing.algorithm": {
    meaning:
      "how an id finds its owner; `md5-modulo` is for running beside an existing mesh and ignores weights",
  },
  "routing.seed": {
    meaning: "key of the hash; changing it moves all content",
    fallback: "`meta.name`",
  },
  "routing.peer_mode": {
    meaning:
      "what a server does with a picture that another one of its level owns: pass it on, send the client there (307), or that only for `orig`",
  },
  "routing.owner_first_byte_ms": {
    meaning:
      "how long a live owner, here or in the next level, may be slow to begin before the next rank is asked as well; at most one request in ten is asked twice",
  },
  "routing.rebalance_window": {
    meaning:
      "for so long after a change of the epoch, or on a fresh `cache_dir`, an owner asks ranks 2 and 3 and draining servers for what it misses, before it goes down a level",
  },
  "routing.rebalance_bytes_per_second": {
    meaning: "what moving content to its new owners may take of a node's network",
  },
  "sizes.name": { meaning: "unique; not `orig`, `placeholder` or `auto`" },
  "sizes.width": { meaning: "pixels" },
  "sizes.height": { meaning: "pixels" },
  "sizes.fit": { meaning: "see above", fallback: '`"inside"`' },
  "sizes.jpg_quality": { meaning: "", fallback: "as `[image]`" },
  "sizes.webp_quality": { meaning: "", fallback: "as `[image]`" },
  "sizes.avif_quality": { meaning: "", fallback: "as `[image]`" },
  "sizes.avif_effort": {
    meaning: "taken as it is, however large the picture",
    fallback: "as `[image]`",
  },
  "sizes.auto_formats": {
    meaning: "what `.auto` may become for this class",
    fallback: "as `[image]`",
  },
  "image.policy": {
    meaning:
      "what `WxH` in a URL means: the smallest class that holds it, a box of `exact_sizes`, or an error",
  },
  "image.exact_sizes": { meaning: "boxes for `exact`, sides 1 to 8192, at most 192" },
  "image.auto_formats": {
    meaning:
      "what `.auto` may become where the client accepts it, best first; an animation never becomes avif, which would be a still",
  },
  "image.jpg_quality": { meaning: "" },
  "image.webp_quality": { meaning: "" },
  "image.avif_quality": { meaning: "" },
  "image.avif_effort": {
    meaning:
      "more is smaller and much slower; at most 1 for variants above 1.5 megapixels, 0 above 3 ([why](benchmarks.md#what-a-variant-costs))",
  },
  "http.prefix": { meaning: "first part of picture URLs" },
  "http.allow_origin": { meaning: "`Access-Control-Allow-Origin` and `Timing-Allow-Origin`" },
  "http.originals": {
    meaning:
      "whether clients may have `orig`, with what the camera wrote into it, place and all; `false`: 404. Nodes still have originals from each other",
  },
  "http.client_hints": {
    meaning:
      'under `policy = "snap"`, a `WxH` in a URL is first multiplied by the browser\'s `DPR`, 1 to 4, or made as wide as its `Width` says; answers have `Accept-CH`, and `Vary` where it had a part',
  },
  "limits.pixels": { meaning: "pixels of a still picture" },
  "limits.animated_pixels": { meaning: "pixels of all frames together" },
  "limits.animated_webp_pixels": {
    meaning: "pixels of all frames of an animation that is made as webp",
  },
  "limits.animated_gif_pixels": { meaning: "the same as gif" },
  "limits.frames": { meaning: "frames of an animation" },
  "limits.source_bytes": { meaning: "bytes of a picture that is decoded", fallback: '`"50MiB"`' },
  "limits.queue": { meaning: "jobs that wait for an image worker, small outputs and others apart" },
  "limits.job_ms": { meaning: "milliseconds of one image job" },
  "limits.stand_in_ms": {
    meaning:
      "milliseconds a picture waits for an image worker before the nearest larger variant is sent in its place, where there is one; the right one is made afterwards",
  },
  "cache.eviction": {
    meaning:
      "what leaves first when room is needed: what nobody came back for soon, or what was asked for longest ago (of a sample)",
  },
  "cache.expire_unused": {
    meaning: "what nobody asked for during this time is dropped",
    fallback: "off",
  },
  "security.insecure": {
    meaning:
      "private listeners beyond loopback may start without authentication; legacy peers are served from anywhere, with a control key too",
  },
  "security.tls_cert": {
    meaning:
      "the node's certificate (PEM) on control connections; with it they are TLS on both sides. On each machine its own: the server's name is its CN or one of its DNS names, and it is good for the `host` that peers dial (a DNS or IP name)",
  },
  "security.tls_key": { meaning: "its private key; not readable by everybody" },
  "security.tls_ca": {
    meaning:
      "who signs certificates of nodes; a peer without one of its is refused, as server and as client",
  },
  "hot.replicate": { meaning: "hot content is copied; without it each id stays with its owner" },
  "hot.half_life": {
    meaning:
      "after this time without a request the score of an id has halved; a copy goes after a fifth of it without a hit",
  },
  "hot.replica_share": {
    meaning:
      "part of a cache's bytes that copies for other servers may take, 0 to 0.5; with 0 a server takes none",
  },
  "log.access": {
    meaning: "how many requests get a line of JSON each; `mir serve --access-log` takes its place",
  },
  "log.slow_ms": {
    meaning:
      "answers that take so long to begin are told in the log with where the time went; `0`: none",
  },
  "log.server_timing": {
    meaning:
      "what a client that asks with `X-Mir-Timing: 1` is told in `Server-Timing`: nothing, how long each step took, at which node too",
  },
  "log.client_address": {
    meaning: "lines of `log.access` have the address of the client, as the socket says",
  },
  "tls.cert": { meaning: "certificate (PEM), followed by those it is signed by" },
  "tls.key": { meaning: "its private key; not readable by everybody" },
};
