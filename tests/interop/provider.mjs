// The authorization server of the tests: the package oidc-provider on a free port of this machine.
//
// Prints one line of JSON when it serves, and ends when its standard input does.
// POST /rotate makes it sign with new keys; the ones before stay published.

import { generateKeyPairSync, randomBytes, randomUUID } from 'node:crypto';
import { createServer } from 'node:http';

import { Provider, errors } from 'oidc-provider';

// Standard output is for the line that the test waits for.
console.info = console.error;

const ALGORITHMS = ['RS256', 'PS256', 'ES256', 'EdDSA', 'Ed25519'];

const RESOURCES = {
  'https://api.example/contacts': 'read:contacts write:contacts',
  // Its scopes have the same names, so that only the audience tells its tokens from the others.
  'https://api.example/calendar': 'read:contacts write:contacts',
};

const COOKIE_KEYS = [randomBytes(32).toString('hex')];

function newKeys() {
  // A key of RSA is for one algorithm, which it has to name where it is not RS256. That of Ed25519
  // is for both names of its algorithm.
  return [
    [generateKeyPairSync('rsa', { modulusLength: 2048 }), { alg: 'RS256' }],
    [generateKeyPairSync('rsa', { modulusLength: 2048 }), { alg: 'PS256' }],
    [generateKeyPairSync('ec', { namedCurve: 'P-256' }), {}],
    [generateKeyPairSync('ed25519'), {}],
  ].map(([{ privateKey }, more]) => ({
    ...privateKey.export({ format: 'jwk' }),
    kid: randomUUID(),
    use: 'sig',
    ...more,
  }));
}

function client(algorithm) {
  return {
    client_id: `web-application-${algorithm}`,
    client_secret: 'a secret that only this machine knows',
    // A native one, because others may not have http addresses with these response types. The port
    // of a loopback address is not compared then (RFC 8252 §7.3).
    application_type: 'native',
    redirect_uris: ['http://localhost/callback'],
    post_logout_redirect_uris: ['http://localhost/'],
    response_types: ['code', 'code id_token', 'code token', 'code id_token token'],
    grant_types: ['authorization_code', 'implicit', 'refresh_token', 'client_credentials'],
    token_endpoint_auth_method: 'client_secret_post',
    id_token_signed_response_alg: algorithm,
  };
}

// What has been issued, by its kind and identifier. It outlives the keys that signed it.
const kept = new Map();

class Kept {
  constructor(kind) {
    this.kind = kind;
  }

  async upsert(id, payload) {
    kept.set(`${this.kind} ${id}`, payload);
  }

  async find(id) {
    return kept.get(`${this.kind} ${id}`);
  }

  async findByUid(uid) {
    return [...kept].find(([key, { uid: its }]) => key.startsWith(this.kind) && its === uid)?.[1];
  }

  async consume(id) {
    kept.get(`${this.kind} ${id}`).consumed = Math.floor(Date.now() / 1000);
  }

  async destroy(id) {
    kept.delete(`${this.kind} ${id}`);
  }

  async revokeByGrantId(grantId) {
    [...kept].filter(([, payload]) => payload.grantId === grantId).forEach(([key]) => kept.delete(key));
  }
}

function newProvider(issuer, keys) {
  return new Provider(issuer, {
    adapter: Kept,
    jwks: { keys },
    clients: ALGORITHMS.map(client),
    clientAuthMethods: ['client_secret_post', 'client_secret_basic'],
    responseTypes: ['code', 'code id_token', 'code token', 'code id_token token'],
    scopes: ['openid', 'offline_access'],
    claims: { openid: ['sub'], profile: ['name'], email: ['email', 'email_verified'] },
    conformIdTokenClaims: false,
    cookies: { keys: COOKIE_KEYS },
    // By default only where a web client asks for offline_access with prompt=consent.
    issueRefreshToken: () => true,
    findAccount: (_context, id) => ({
      accountId: id,
      claims: () => ({ sub: id, name: id, email: `${id}@mail.example`, email_verified: true }),
    }),
    features: {
      // Its own forms for sign-in and consent, which take any name and any password.
      devInteractions: { enabled: true },
      clientCredentials: { enabled: true },
      resourceIndicators: {
        enabled: true,
        getResourceServerInfo(_context, resource, { idTokenSignedResponseAlg: alg }) {
          if (!Object.hasOwn(RESOURCES, resource)) {
            throw new errors.InvalidTarget();
          }
          return { scope: RESOURCES[resource], accessTokenFormat: 'jwt', jwt: { sign: { alg } } };
        },
      },
    },
  });
}

const server = createServer();
server.listen(0, '127.0.0.1', () => {
  const issuer = `http://127.0.0.1:${server.address().port}`;
  let keys = newKeys();
  let serve;

  function start() {
    const provider = newProvider(issuer, keys);
    provider.on('server_error', (_context, error) => console.error(error));
    provider.on('grant.error', (_context, error) => console.error(error));
    serve = provider.callback();
  }

  start();
  server.on('request', (request, response) => {
    if (request.method === 'POST' && request.url === '/rotate') {
      // Of several keys that fit, the first one signs.
      keys = [...newKeys(), ...keys];
      start();
      response.writeHead(204).end();
    } else {
      serve(request, response);
    }
  });
  console.log(JSON.stringify({ issuer }));
});

process.stdin.on('end', () => process.exit()).resume();
