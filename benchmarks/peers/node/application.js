// Shared by the applications of this folder: their arguments, their start and their end.

const [maker, options] = process.argv.slice(2);

export const guarded = maker === "make_app";

// issuer, audience and jwks_uri, for the guard.
export const trust = JSON.parse(options);

export const neededScope = "read:contacts";

// As in production, where it makes Express faster. Express reads it when the application is created.
process.env.NODE_ENV = "production";

/** Write the port to the parent, and exit when the parent closes the input. */
export function ready(port) {
  process.stdout.write(`${JSON.stringify({ port })}\n`);
  process.stdin.on("end", () => process.exit()).resume();
}
