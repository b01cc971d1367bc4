/** The file NOTICE as text. */

declare module "*/NOTICE";
