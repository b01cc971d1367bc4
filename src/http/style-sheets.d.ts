/** Imports of style sheets: each is its text, typed where it is imported. */

declare module "*.css";
