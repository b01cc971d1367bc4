/** Imports of native files: each is a path, typed where it is imported. */

declare module "*.node";
declare module "*.so.8.18.7";
