<?php
// The scenario of tests/clients/README.md through PHP's SoapClient.
//
//   AXL_PASSWORD=… AXL_CA=.run/state/tls-certificate.pem php scenario.php https://localhost:8443 admin

require __DIR__ . '/gateway.php';

const PHONES = ['SEP0025EED30001', 'SEP0025EED30002', 'SEP0025EED30003'];
const LINE = '7831';
const PROFILE = 'php profile ä';
const USER = 'php.user';
$calls = 0;

function call(string $operation, array $body = []): stdClass
{
    global $client, $calls;
    $calls++;
    return $client->$operation($body);
}

function same(mixed $seen, mixed $expected): void
{
    global $calls;
    if ($seen !== $expected) {
        throw new Exception("call $calls: " . json_encode($seen) . ' instead of ' . json_encode($expected));
    }
}

function refused(int $code, string $operation, array $body): void
{
    global $calls;
    try {
        call($operation, $body);
    } catch (SoapFault $fault) {
        same(code_of($fault), $code);
        return;
    }
    throw new Exception("call $calls: $operation did not fail");
}

/** All phones whose name matches, a page at a time. */
function list_phones(string $pattern, int $page): array
{
    $found = [];
    while (true) {
        $answer = call('listPhone', [
            'searchCriteria' => ['name' => $pattern], 'returnedTags' => ['name' => ''], 'skip' => count($found), 'first' => $page]);
        $more = rows($answer, 'phone');
        if (!$more) {
            return $found;
        }
        array_push($found, ...array_column($more, 'name'));
    }
}

function lines(): void
{
    call('addLine', ['line' => ['pattern' => LINE, 'description' => 'Zoë <php> & Söhne', 'usage' => 'Device']]);
    $line = call('getLine', ['pattern' => LINE])->return->line;
    same($line->description, 'Zoë <php> & Söhne');
    same(name_of($line->routePartitionName), null);
    call('updateLine', ['pattern' => LINE, 'alertingName' => 'Jörg']);
    $found = call('listLine', ['searchCriteria' => ['pattern' => LINE], 'returnedTags' => ['pattern' => '', 'description' => '']]);
    same(array_column(rows($found, 'line'), 'description'), ['Zoë <php> & Söhne']);
    same(call('getLine', ['pattern' => LINE])->return->line->alertingName, 'Jörg');
}

function profiles(): string
{
    $appearance = ['index' => 1, 'label' => 'Zoë', 'dirn' => ['pattern' => LINE]];
    $profile = call('addDeviceProfile', ['deviceProfile' => [
        'name' => PROFILE, 'product' => 'Cisco 8851', 'class' => 'Device Profile', 'protocol' => 'SIP', 'protocolSide' => 'User',
        'lines' => ['line' => [$appearance]]]])->return;
    $seen = call('getDeviceProfile', ['uuid' => $profile])->return->deviceProfile;
    same([$seen->name, $seen->uuid, array_column($seen->lines->line, 'label')], [PROFILE, $profile, ['Zoë']]);
    call('updateDeviceProfile', ['name' => PROFILE, 'description' => 'moved']);
    $found = call('listDeviceProfile', ['searchCriteria' => ['name' => 'php%'], 'returnedTags' => ['name' => '', 'description' => '']]);
    same(array_column(rows($found, 'deviceProfile'), 'description', 'name'), [PROFILE => 'moved']);
    return $profile;
}

function phones(): void
{
    foreach (PHONES as $name) {
        call('addPhone', ['phone' => [
            'name' => $name, 'product' => 'Cisco 8851', 'class' => 'Phone', 'protocol' => 'SIP', 'protocolSide' => 'User',
            'devicePoolName' => 'Default', 'enableExtensionMobility' => true]]);
    }
    call('updatePhone', ['name' => PHONES[0], 'description' => 'Empfang, Tür 3']);
    $phone = call('getPhone', ['name' => PHONES[0]])->return->phone;
    same([$phone->description, name_of($phone->devicePoolName)], ['Empfang, Tür 3', 'Default']);
    same([$phone->loginUserId, name_of($phone->currentProfileName)], ['', null]);
    $line = ['index' => 1, 'label' => 'Tür', 'dirn' => ['pattern' => LINE]];
    call('updatePhone', ['name' => PHONES[1], 'lines' => ['line' => [$line]]]);
    same(array_column(call('getPhone', ['name' => PHONES[1]])->return->phone->lines->line, 'label'), ['Tür']);
    call('updatePhone', ['name' => PHONES[1], 'lines' => []]);
    same(isset(call('getPhone', ['name' => PHONES[1]])->return->phone->lines->line), false);
    same(list_phones('sep0025eed3%', 2), PHONES);
    same(list_phones('sep0025eed3f%', 2), []);
}

function users(string $profile): void
{
    $user = [
        'firstName' => 'Zoë', 'lastName' => 'Php', 'userid' => USER, 'pin' => '97531', 'presenceGroupName' => 'Standard Presence group',
        'phoneProfiles' => ['profileName' => [['_' => '', 'uuid' => $profile]]], 'defaultProfile' => PROFILE];
    call('addUser', ['user' => $user]);
    refused(-239, 'addUser', ['user' => $user]);
    call('updateUser', ['userid' => USER, 'displayName' => 'Zoë Ä.']);
    $seen = call('getUser', ['userid' => USER])->return->user;
    same([$seen->displayName, name_of($seen->defaultProfile)], ['Zoë Ä.', PROFILE]);
    $found = call('listUser', ['searchCriteria' => ['userid' => USER], 'returnedTags' => ['firstName' => '']]);
    same(array_column(rows($found, 'user'), 'firstName'), ['Zoë']);
}

function sessions(): void
{
    $phone = ['deviceName' => PHONES[0]];
    same(call('doDeviceLogin', $phone + ['loginDuration' => 3600, 'profileName' => PROFILE, 'userId' => USER])->return, 'true');
    $seen = call('getPhone', ['name' => PHONES[0]])->return->phone;
    same([$seen->loginUserId, name_of($seen->currentProfileName), (int) $seen->loginDuration], [USER, PROFILE, 3600]);
    refused(-692, 'removeDeviceProfile', ['name' => PROFILE]);
    same(call('doDeviceLogout', $phone)->return, 'true');
    refused(5003, 'doDeviceLogout', $phone);
}

function faults(): void
{
    refused(5007, 'getPhone', ['name' => 'SEP0025EED3FFFF']);
    refused(5003, 'updatePhone', ['name' => 'SEP0025EED3FFFF', 'description' => 'nowhere']);
    refused(5003, 'addPhone', ['phone' => ['name' => 'SEPnot-a-phone', 'product' => 'Cisco 8851', 'protocol' => 'SIP']]);
}

function remove(): void
{
    call('removeUser', ['userid' => USER]);
    foreach (PHONES as $name) {
        call('removePhone', ['name' => $name]);
    }
    call('removeDeviceProfile', ['name' => PROFILE]);
    call('removeLine', ['pattern' => LINE]);
    refused(5007, 'getUser', ['userid' => USER]);
}

[, $address, $user] = $argv;
$client = connect($address, $user, getenv('AXL_PASSWORD'), getenv('AXL_CA') ?: null);
$version = call('getCCMVersion')->return->componentVersion->version;
lines();
$profile = profiles();
phones();
users($profile);
sessions();
faults();
remove();
echo "php: version $version, $calls calls went as they should\n";
