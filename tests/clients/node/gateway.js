// How a Node program talks to emgate: a client that the package `soap` makes of the gateway's own WSDL.

const fs = require('node:fs');
const https = require('node:https');
const axios = require('axios');
const soap = require('soap');

// Returns the client; `address` is https://host:8443, `ca` a file of certificates to trust besides the system's.
async function connect(address, user, password, ca) {
  const agent = new https.Agent({ keepAlive: true, ca: ca && fs.readFileSync(ca) });
  const request = axios.create({ httpsAgent: agent, timeout: 20000 });
  const client = await soap.createClientAsync(`${address}/axl/?wsdl`, { request });
  client.setEndpoint(`${address}/axl/`);
  client.setSecurity(new soap.BasicAuthSecurity(user, password));
  return client;
}

// The objects in the answer to a list operation; none is a null `return`.
function rows(answer, element) {
  return answer.return === null ? [] : answer.return[element];
}

// The name in a reference, or null where it points nowhere: a null reference is '', any other has a uuid.
function nameOf(reference) {
  return reference?.attributes?.uuid ? reference.$value : null;
}

// The AXL code of a fault: 5007 for an object that is not there, -239 for one that is there already, …
function codeOf(error) {
  return Number(error.root?.Envelope?.Body?.Fault?.detail?.axlError?.axlcode);
}

module.exports = { connect, rows, nameOf, codeOf };
