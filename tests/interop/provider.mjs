// An authorization server for the tests: the package oidc-provider on a free port of this machine.
//
// Prints one line of JSON when it serves, and ends with its standard input.
// After POST /rotate it signs with new keys; the earlier keys stay published.

import { generateKeyPairSync, randomBytes, randomUUID } from 'node:crypto';
import { createServer } from 'node:http';

import { Provider, errors } from 'oidc-provider';

// The test reads only one line from standard output.
console.info = console.error;

const ALGORITHMS = ['RS256', 'PS256', 'ES256', 'EdDSA', 'Ed25519'];

const RESOURCES = {
  'https://api.example/contacts': 'read:contacts write:contacts',
  // The same scopes, so that only the audience differs.
  'https://api.example/calendar': 'read:contacts write:contacts',
};

const COOKIE_KEYS = [randomBytes(32).toString('hex')];

function newKeys() {
  // An RSA key serves one algorithm, and must name it if it is not RS256. The Ed25519 key serves
  // both names of its algorithm.
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
    // Only a native client may have http redirect URIs with these response types. The port of a
    // loopback address is not compared for it (RFC 8252 §7.3).
    application_type: 'native',
    redirect_uris: ['http://localhost/callback'],
    post_logout_redirect_uris: ['http://localhost/'],
    response_types: ['code', 'code id_token', 'code token', 'code id_token token'],
    grant_types: ['authorization_code', 'implicit', 'refresh_token', 'client_credentials'],
    token_endpoint_auth_method: 'client_secret_post',
    id_token_signed_response_alg: algorithm,
  };
}

// Everything that was issued, by kind and identifier. It is kept over a rotation of keys.
const storage = new Map();

class StorageAdapter {
  constructor(kind) {
    this.kind = kind;
  }

  async upsert(id, payload) {
    storage.set(`${this.kind} ${id}`, payload);
  }

  async find(id) {
    return storage.get(`${this.kind} ${id}`);
  }

  async findByUid(uid) {
    const entries = [...storage].filter(([key]) => key.startsWith(this.kind));
    return entries.find(([, payload]) => payload.uid === uid)?.[1];
  }

  async consume(id) {
    storage.get(`${this.kind} ${id}`).consumed = Math.floor(Date.now() / 1000);
  }

  async destroy(id) {
    storage.delete(`${this.kind} ${id}`);
  }

  async revokeByGrantId(grantId) {
    for (const [key, payload] of storage) {
      if (payload.grantId === grantId) {
        storage.delete(key);
      }
    }
  }
}

function newProvider(issuer, keys) {
  return new Provider(issuer, {
    adapter: StorageAdapter,
    jwks: { keys },
    clients: ALGORITHMS.map(client),
    clientAuthMethods: ['client_secret_post', 'client_secret_basic'],
    responseTypes: ['code', 'code id_token', 'code token', 'code id_token token'],
    scopes: ['openid', 'offline_access'],
    claims: { openid: ['sub'], profile: ['name'], email: ['email', 'email_verified'] },
    conformIdTokenClaims: false,
    cookies: { keys: COOKIE_KEYS },
    // By default, only a web client with offline_access and prompt=consent gets a refresh token.
    issueRefreshToken: () => true,
    findAccount: (_context, id) => ({
      accountId: id,
      claims: () => ({ sub: id, name: id, email: `${id}@mail.example`, email_verified: true }),
    }),
    features: {
      // The forms of oidc-provider for sign-in and consent; they accept any name and password.
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
      // The first key that fits signs.
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
