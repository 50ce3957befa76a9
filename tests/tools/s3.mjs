// An S3-compatible store on a free port: node s3.mjs FOLDER BUCKET KEY [SECONDS its clock is ahead]. Prints the port.
import { createRequire } from 'node:module';
import { createServer } from 'node:http';

const [folder, bucket, key, ahead = '0'] = process.argv.slice(2);

const Now = Date;
globalThis.Date = class extends Now {
  constructor(...args) {
    super(...(args.length > 0 ? args : [Date.now()]));
  }

  static now() {
    return Now.now() + Number(ahead) * 1000;
  }
};

const require = createRequire(import.meta.url);
const S3rver = require('s3rver');
const aws4 = require('aws4');
const store = new S3rver({ silent: true, directory: folder, configureBuckets: [{ name: bucket }] });
await store.configureBuckets();
const handle = store.callback();

// The store does not look at signatures of version 4 (it says that its support is incomplete), so this does.
const isSigned = ({ method, url, headers }) => {
  const query = new URL(url, 'http://store').searchParams;
  const [, , region] = query.get('X-Amz-Credential').split('/');
  const unsigned = url.replace(/[?&]X-Amz-Signature=[^&]*/, '');
  const again = aws4.sign(
    { service: 's3', region, method, path: unsigned, headers: { Host: headers.host }, signQuery: true },
    { accessKeyId: key, secretAccessKey: key });
  return new URL(again.path, 'http://store').searchParams.get('X-Amz-Signature') === query.get('X-Amz-Signature');
};

const refuse = (response, code, message) =>
  response.writeHead(403, { 'Content-Type': 'application/xml' }).end(`<Error><Code>${code}</Code><Message>${message}</Message></Error>`);

createServer((request, response) => {
  if (request.method !== 'GET' || (request.url.includes('X-Amz-Signature=') && isSigned(request))) {
    handle(request, response);
  } else {
    refuse(response, 'SignatureDoesNotMatch', 'The request is not signed');
  }
}).listen(0, '127.0.0.1', function () {
  console.log(`listening on ${this.address().port}`);
});
