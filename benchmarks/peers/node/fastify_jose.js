// Fastify with jose in an onRequest hook and createRemoteJWKSet for the keys.

import fastify from "fastify";
import { createRemoteJWKSet, errors, jwtVerify } from "jose";

import { guarded, neededScope, ready, trust } from "./application.js";

const app = fastify();

if (guarded) {
  const { issuer, audience, jwks_uri } = trust;
  const keys = createRemoteJWKSet(new URL(jwks_uri));
  const expected = { issuer, audience, algorithms: ["RS256"] };
  app.decorateRequest("claims", null);
  app.addHook("onRequest", async (request, reply) => {
    const [scheme, token] = (request.headers.authorization ?? "").split(" ");
    if (scheme !== "Bearer" || !token) {
      return reply.code(401).header("www-authenticate", "Bearer").send();
    }
    try {
      request.claims = (await jwtVerify(token, keys, expected)).payload;
    } catch (err) {
      if (!(err instanceof errors.JOSEError)) throw err;
      return reply.code(401).header("www-authenticate", 'Bearer error="invalid_token"').send();
    }
    if (!request.claims.scope?.split(" ").includes(neededScope)) {
      return reply.code(403).send();
    }
  });
}

app.get("/contacts", async (request) => ({ owner: request.claims?.sub ?? "anonymous" }));

await app.listen({ host: "127.0.0.1", port: 0 });
ready(app.server.address().port);
