// An OpenID provider on a free port, whose tokens are JWTs: node oidc.mjs. Prints its address. Its clients "app" and "another" ask by client
// credentials; "explorer" has people sign in, all of whom are "ada" and agree to everything. Their secret is "secret". What a test changes
// of it while it runs:
// POST /claims sets further claims of its tokens; POST /roll gives it a new key (?type=EC, ?withdraw takes the old ones away);
// POST /explorer?at= sets the explorer's address; POST /lifetime?seconds= sets that of its next access tokens; POST /end has it give no tokens any more, until
// POST /end?no; GET /asked tells how often its keys were asked for.
import { createServer } from 'node:http';
import { generateKeyPairSync, randomUUID } from 'node:crypto';
import Provider from 'oidc-provider';

const scope = 'studies:read events:write privacy:write privacy:read clients:admin webhooks:write operations:read operations:write billing:all';
const identity = 'openid offline_access';

const makeKey = (type) => {
  const { privateKey } = type === 'EC' ? generateKeyPairSync('ec', { namedCurve: 'P-256' }) : generateKeyPairSync('rsa', { modulusLength: 2048 });
  return { ...privateKey.export({ format: 'jwk' }), kid: randomUUID(), use: 'sig', alg: type === 'EC' ? 'ES256' : 'RS256' };
};

const client = (id) => ({
  client_id: id, client_secret: 'secret', grant_types: ['client_credentials'], redirect_uris: [], response_types: [], scope,
});

const explorer = (address) => ({
  ...client('explorer'), grant_types: ['authorization_code', 'refresh_token'], response_types: ['code'], scope: `${identity} ${scope}`,
  redirect_uris: [`${address}/explorer/callback`], post_logout_redirect_uris: [`${address}/sign-in`], id_token_signed_response_alg: 'RS256',
});

const make = (address, keys, claims) => new Provider(address, {
  jwks: { keys },
  scopes: `${identity} ${scope}`.split(' '),
  clients: [client('app'), client('another'), explorer(claims.explorer)],
  findAccount: (_, accountId) => ({ accountId, claims: () => ({ sub: accountId, name: 'Ada Lovelace' }) }),
  claims: { openid: ['sub', 'name'] },
  conformIdTokenClaims: false,
  pkce: { required: () => true },
  issueRefreshToken: (_, client) => client.grantTypeAllowed('refresh_token'),
  // A refresh token counts once.
  rotateRefreshToken: true,
  interactions: { url: (_, interaction) => `/interaction/${interaction.uid}` },
  extraTokenClaims: () => claims.now,
  features: {
    devInteractions: { enabled: false },
    clientCredentials: { enabled: true },
    // Its own page asks for a font elsewhere.
    rpInitiatedLogout: {
      enabled: true,
      logoutSource: (context, form) => {
        context.body = `<!DOCTYPE html><title>Sign out</title>${form}<button form="op.logoutForm" name="logout" value="yes">Yes, sign me out</button>`;
      },
    },
    resourceIndicators: {
      enabled: true,
      getResourceServerInfo: (_, resource) => ({
        scope, audience: new URL(resource).hostname, accessTokenFormat: 'jwt', accessTokenTTL: claims.seconds, jwt: { sign: { alg: keys[0].alg } },
      }),
    },
  },
});

let [address, keys, provider, handle, asked] = ['', [makeKey('RSA')], null, null, 0];
const begin = () => {
  provider = make(address, keys, claims);
  handle = provider.callback();
};
const claims = { now: {}, seconds: 600, explorer: 'http://localhost' };
let hasEnded = false;

// What a person would do at the pages of the provider.
const agree = async (request, response) => {
  const details = await provider.interactionDetails(request, response);
  const accountId = details.session?.accountId ?? 'ada';
  const grant = new provider.Grant({ accountId, clientId: details.params.client_id });
  grant.addOIDCScope(`${identity} ${scope}`);
  grant.addResourceScope(details.params.resource, scope);
  const grantId = await grant.save();
  await provider.interactionFinished(request, response, { login: { accountId }, consent: { grantId } }, { mergeWithLastSubmission: true });
};

createServer(async (request, response) => {
  const url = new URL(request.url, address);
  if (url.pathname === '/roll') {
    const key = makeKey(url.searchParams.get('type'));
    keys = url.searchParams.has('withdraw') ? [key] : [key, ...keys];
    begin();
    response.writeHead(204).end();
  } else if (url.pathname === '/end') {
    hasEnded = !url.searchParams.has('no');
    response.writeHead(204).end();
  } else if (url.pathname === '/explorer') {
    claims.explorer = url.searchParams.get('at');
    begin();
    response.writeHead(204).end();
  } else if (url.pathname === '/lifetime') {
    claims.seconds = Number(url.searchParams.get('seconds'));
    response.writeHead(204).end();
  } else if (url.pathname === '/token' && hasEnded) {
    response.writeHead(400, { 'content-type': 'application/json' }).end('{"error":"invalid_grant"}');
  } else if (url.pathname.startsWith('/interaction/')) {
    await agree(request, response);
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
  begin();
  console.log(`listening on ${address}`);
});
