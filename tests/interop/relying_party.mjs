// A relying party for the tests: the package openid-client, controlled over standard input.
//
// Reads commands, one JSON object a line, and answers each with one line. Ends with its input.

import { createInterface } from 'node:readline';

import * as client from 'openid-client';

let configuration;

const METHODS = {
  client_secret_basic: client.ClientSecretBasic,
  client_secret_post: client.ClientSecretPost,
  none: client.None,
};

const COMMANDS = {
  // Arguments: algorithm is "oidc" or "oauth2" (RFC 8414); hybrid is true for `code id_token`.
  async discover({ issuer, clientId, secret, method, algorithm, hybrid }) {
    const execute = [client.allowInsecureRequests, client.enableNonRepudiationChecks];
    if (hybrid) {
      execute.push(client.useCodeIdTokenResponseType);
    }
    const authentication = METHODS[method](secret);
    configuration = await client.discovery(new URL(issuer), clientId, {}, authentication, {
      algorithm,
      execute,
    });
    return configuration.serverMetadata();
  },

  async challenge({ verifier }) {
    return client.calculatePKCECodeChallenge(verifier);
  },

  async authorizationUrl({ parameters }) {
    return client.buildAuthorizationUrl(configuration, parameters).href;
  },

  async callback({ url, checks }) {
    const tokens = await client.authorizationCodeGrant(configuration, new URL(url), checks);
    return { tokens, claims: tokens.claims() };
  },

  // Like callback, for a response that came as a form (form_post).
  async formCallback({ url, body, checks }) {
    const request = new Request(url, { method: 'POST', body: new URLSearchParams(body) });
    const tokens = await client.authorizationCodeGrant(configuration, request, checks);
    return { tokens, claims: tokens.claims() };
  },

  async refresh({ token }) {
    const tokens = await client.refreshTokenGrant(configuration, token);
    return { tokens, claims: tokens.claims() };
  },

  async clientCredentials({ parameters }) {
    return client.clientCredentialsGrant(configuration, parameters);
  },

  async userInfo({ token, subject }) {
    return client.fetchUserInfo(configuration, token, subject);
  },

  async introspect({ token }) {
    return client.tokenIntrospection(configuration, token);
  },

  async revoke({ token }) {
    await client.tokenRevocation(configuration, token);
    return null;
  },

  async signOutUrl({ parameters }) {
    return client.buildEndSessionUrl(configuration, parameters).href;
  },
};

for await (const line of createInterface({ input: process.stdin })) {
  const { command, ...parameters } = JSON.parse(line);
  let answer;
  try {
    answer = { result: await COMMANDS[command](parameters) };
  } catch (error) {
    answer = {
      refusal: {
        code: error.code ?? error.name,
        error: error.error ?? '',
        reason: error.cause?.message ?? error.message,
      },
    };
  }
  console.log(JSON.stringify(answer));
}
