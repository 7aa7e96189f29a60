// Express with express-oauth2-jwt-bearer, as its documentation shows it.

import express from "express";
import { auth, requiredScopes } from "express-oauth2-jwt-bearer";

import { guarded, neededScope, ready, trust } from "./application.js";

const app = express();

if (guarded) {
  app.use(auth({ issuerBaseURL: trust.issuer, audience: trust.audience }));
  app.use(requiredScopes(neededScope));
}

app.get("/contacts", (request, response) => {
  response.json({ owner: request.auth?.payload.sub ?? "anonymous" });
});

const server = app.listen(0, "127.0.0.1", () => ready(server.address().port));
