// The scenario of tests/clients/README.md through node-soap.
//
//   AXL_PASSWORD=… AXL_CA=.run/state/tls-certificate.pem node scenario.js https://localhost:8443 admin

const assert = require('node:assert/strict');
const gateway = require('./gateway.js');

const PHONES = ['SEP0025EED20001', 'SEP0025EED20002', 'SEP0025EED20003'];
const LINE = '7821';
const PROFILE = 'node profile ä';
const USER = 'node.user';
let client;
let calls = 0;

async function call(operation, body = {}) {
  calls += 1;
  const [answer] = await client[`${operation}Async`](body);
  return answer;
}

function same(seen, expected) {
  assert.deepEqual(seen, expected, `call ${calls}: ${JSON.stringify(seen)} instead of ${JSON.stringify(expected)}`);
}

async function refused(code, operation, body) {
  const error = await call(operation, body).then(() => null, (error) => error);
  assert(error, `call ${calls}: ${operation} did not fail`);
  same(gateway.codeOf(error), code);
}

// All phones whose name matches, a page at a time.
async function listPhones(pattern, page) {
  const found = [];
  for (;;) {
    const answer = await call('listPhone', { searchCriteria: { name: pattern }, returnedTags: { name: '' }, skip: found.length, first: page });
    const more = gateway.rows(answer, 'phone');
    if (more.length === 0) return found;
    found.push(...more.map((phone) => phone.name));
  }
}

async function lines() {
  await call('addLine', { line: { pattern: LINE, description: 'Zoë <node> & Söhne', usage: 'Device' } });
  let { line } = (await call('getLine', { pattern: LINE })).return;
  same(line.description, 'Zoë <node> & Söhne');
  same(gateway.nameOf(line.routePartitionName), null);
  await call('updateLine', { pattern: LINE, alertingName: 'Jörg' });
  const found = await call('listLine', { searchCriteria: { pattern: LINE }, returnedTags: { pattern: '', description: '' } });
  same(gateway.rows(found, 'line').map((row) => row.description), ['Zoë <node> & Söhne']);
  ({ line } = (await call('getLine', { pattern: LINE })).return);
  same(line.alertingName, 'Jörg');
}

async function profiles() {
  const appearance = { index: 1, label: 'Zoë', dirn: { pattern: LINE } };
  const profile = (await call('addDeviceProfile', { deviceProfile: {
    name: PROFILE, product: 'Cisco 8851', class: 'Device Profile', protocol: 'SIP', protocolSide: 'User',
    lines: { line: [appearance] } } })).return;
  const { deviceProfile } = (await call('getDeviceProfile', { uuid: profile })).return;
  same([deviceProfile.name, deviceProfile.attributes.uuid, deviceProfile.lines.line.map((line) => line.label)], [PROFILE, profile, ['Zoë']]);
  await call('updateDeviceProfile', { name: PROFILE, description: 'moved' });
  const found = await call('listDeviceProfile', { searchCriteria: { name: 'node%' }, returnedTags: { name: '', description: '' } });
  same(gateway.rows(found, 'deviceProfile').map((row) => [row.name, row.description]), [[PROFILE, 'moved']]);
  return profile;
}

async function phones() {
  for (const name of PHONES) {
    await call('addPhone', { phone: {
      name, product: 'Cisco 8851', class: 'Phone', protocol: 'SIP', protocolSide: 'User',
      devicePoolName: 'Default', enableExtensionMobility: true } });
  }
  await call('updatePhone', { name: PHONES[0], description: 'Empfang, Tür 3' });
  const { phone } = (await call('getPhone', { name: PHONES[0] })).return;
  same([phone.description, gateway.nameOf(phone.devicePoolName)], ['Empfang, Tür 3', 'Default']);
  same([phone.loginUserId, gateway.nameOf(phone.currentProfileName)], [null, null]);
  const [, name] = PHONES;
  await call('updatePhone', { name, lines: { line: [{ index: 1, label: 'Tür', dirn: { pattern: LINE } }] } });
  same((await call('getPhone', { name })).return.phone.lines.line.map((line) => line.label), ['Tür']);
  await call('updatePhone', { name, lines: '' });
  same((await call('getPhone', { name })).return.phone.lines, null);
  same(await listPhones('sep0025eed2%', 2), PHONES);
  same(await listPhones('sep0025eed2f%', 2), []);
}

async function users(profile) {
  const user = {
    firstName: 'Zoë', lastName: 'Node', userid: USER, pin: '97531', presenceGroupName: 'Standard Presence group',
    phoneProfiles: { profileName: [{ attributes: { uuid: profile } }] }, defaultProfile: PROFILE };
  await call('addUser', { user });
  await refused(-239, 'addUser', { user });
  await call('updateUser', { userid: USER, displayName: 'Zoë Ä.' });
  const seen = (await call('getUser', { userid: USER })).return.user;
  same([seen.displayName, gateway.nameOf(seen.defaultProfile)], ['Zoë Ä.', PROFILE]);
  const found = await call('listUser', { searchCriteria: { userid: USER }, returnedTags: { firstName: '' } });
  same(gateway.rows(found, 'user').map((row) => row.firstName), ['Zoë']);
}

async function sessions() {
  const deviceName = PHONES[0];
  same((await call('doDeviceLogin', { deviceName, loginDuration: 3600, profileName: PROFILE, userId: USER })).return, 'true');
  const { phone } = (await call('getPhone', { name: deviceName })).return;
  same([phone.loginUserId, gateway.nameOf(phone.currentProfileName), Number(phone.loginDuration)], [USER, PROFILE, 3600]);
  await refused(-692, 'removeDeviceProfile', { name: PROFILE });
  same((await call('doDeviceLogout', { deviceName })).return, 'true');
  await refused(5003, 'doDeviceLogout', { deviceName });
}

async function faults() {
  await refused(5007, 'getPhone', { name: 'SEP0025EED2FFFF' });
  await refused(5003, 'updatePhone', { name: 'SEP0025EED2FFFF', description: 'nowhere' });
  await refused(5003, 'addPhone', { phone: { name: 'SEPnot-a-phone', product: 'Cisco 8851', protocol: 'SIP' } });
}

async function remove() {
  await call('removeUser', { userid: USER });
  for (const name of PHONES) await call('removePhone', { name });
  await call('removeDeviceProfile', { name: PROFILE });
  await call('removeLine', { pattern: LINE });
  await refused(5007, 'getUser', { userid: USER });
}

async function main() {
  const [address, user] = process.argv.slice(2);
  client = await gateway.connect(address, user, process.env.AXL_PASSWORD, process.env.AXL_CA);
  const { version } = (await call('getCCMVersion')).return.componentVersion;
  await lines();
  const profile = await profiles();
  await phones();
  await users(profile);
  await sessions();
  await faults();
  await remove();
  console.log(`node soap: version ${version}, ${calls} calls went as they should`);
}

main().catch((error) => {
  console.error(error.stack);
  process.exitCode = 1;
});
