// An OpenID provider on a free port, whose tokens are JWTs for client credentials: node oidc.mjs. Prints its address. Its clients are
// "app" and "another", both with the secret "secret". What a test changes of it while it runs:
// POST /claims sets further claims of its tokens; POST /roll gives it a new key (?type=EC, ?withdraw takes the old ones away);
// GET /asked tells how often its keys were asked for.
import { createServer } from 'node:http';
import { generateKeyPairSync, randomUUID } from 'node:crypto';
import Provider from 'oidc-provider';

const scope = 'studies:read events:write clients:admin billing:all';

const makeKey = (type) => {
  const { privateKey } = type === 'EC' ? generateKeyPairSync('ec', { namedCurve: 'P-256' }) : generateKeyPairSync('rsa', { modulusLength: 2048 });
  return { ...privateKey.export({ format: 'jwk' }), kid: randomUUID(), use: 'sig', alg: type === 'EC' ? 'ES256' : 'RS256' };
};

const client = (id) => ({
  client_id: id, client_secret: 'secret', grant_types: ['client_credentials'], redirect_uris: [], response_types: [], scope,
});

const make = (address, keys, claims) => new Provider(address, {
  jwks: { keys },
  scopes: scope.split(' '),
  clients: [client('app'), client('another')],
  extraTokenClaims: () => claims.now,
  features: {
    devInteractions: { enabled: false },
    clientCredentials: { enabled: true },
    resourceIndicators: {
      enabled: true,
      getResourceServerInfo: (_, resource) => ({
        scope, audience: new URL(resource).hostname, accessTokenFormat: 'jwt', accessTokenTTL: 600, jwt: { sign: { alg: keys[0].alg } },
      }),
    },
  },
});

let [address, keys, handle, asked] = ['', [makeKey('RSA')], null, 0];
const claims = { now: {} };

createServer(async (request, response) => {
  const url = new URL(request.url, address);
  if (url.pathname === '/roll') {
    const key = makeKey(url.searchParams.get('type'));
    keys = url.searchParams.has('withdraw') ? [key] : [key, ...keys];
    handle = make(address, keys, claims).callback();
    response.writeHead(204).end();
  } else if (url.pathname === '/claims') {
    claims.now = JSON.parse((await request.toArray()).join(''));
    response.writeHead(204).end();
  } else if (url.pathname === '/asked') {
    response.end(String(asked));
  } else {
    asked += url.pathname === '/jwks' ? 1 : 0;
    handle(request, response);
  }
}).listen(0, '127.0.0.1', function () {
  address = `http://127.0.0.1:${this.address().port}`;
  handle = make(address, keys, claims).callback();
  console.log(`listening on ${address}`);
});
