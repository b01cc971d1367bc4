/** The C library, for the few system calls that the runtime has no function for. */

/** The executable is linked with it, so that it is loaded already. */
export const LIBC = "libc.so.6";
