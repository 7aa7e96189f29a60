// What the applications of this folder have in common: how they are started, and how they end.

const [maker, given] = process.argv.slice(2);

export const guarded = maker === "make_app";

// issuer, audience and jwks_uri, for the guard.
export const trust = JSON.parse(given);

export const neededScope = "read:contacts";

// As in the field, where it makes Express faster; it is read when an application is made.
process.env.NODE_ENV = "production";

/** Say where the application listens, and end with the input. */
export function ready(port) {
  process.stdout.write(`${JSON.stringify({ port })}\n`);
  process.stdin.on("end", () => process.exit()).resume();
}
