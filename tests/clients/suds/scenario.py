"""The scenario of tests/clients/README.md through suds.

    AXL_PASSWORD=… AXL_CA=.run/state/tls-certificate.pem python scenario.py https://localhost:8443 admin
"""

import os
import sys

from suds import WebFault

import gateway

PHONES = ["SEP0025EED10001", "SEP0025EED10002", "SEP0025EED10003"]
LINE = "7811"
PROFILE = "suds profile ä"
USER = "suds.user"
calls = 0


def call(operation, **arguments):
    global calls
    calls += 1
    return getattr(service, operation)(**arguments)


def same(seen, expected):
    if seen != expected:
        raise AssertionError(f"call {calls}: {seen!r} instead of {expected!r}")


def refused(code, operation, **arguments):
    try:
        call(operation, **arguments)
    except WebFault as fault:
        same(gateway.code_of(fault), code)
    else:
        raise AssertionError(f"call {calls}: {operation} did not fail")


def list_phones(pattern, page):
    """All phones whose name matches, a page at a time."""
    found = []
    while True:
        answer = call("listPhone", searchCriteria={"name": pattern}, returnedTags={"name": ""}, skip=len(found), first=page)
        more = gateway.rows(answer, "phone")
        if not more:
            return [phone.name for phone in found]
        found += more


def lines():
    call("addLine", line={"pattern": LINE, "description": "Zoë <suds> & Söhne", "usage": "Device"})
    line = call("getLine", pattern=LINE)["return"].line
    same(line.description, "Zoë <suds> & Söhne")
    same(gateway.name_of(line.routePartitionName), None)
    call("updateLine", pattern=LINE, alertingName="Jörg")
    found = call("listLine", searchCriteria={"pattern": LINE}, returnedTags={"pattern": "", "description": ""})
    same([row.description for row in gateway.rows(found, "line")], ["Zoë <suds> & Söhne"])
    same(call("getLine", pattern=LINE)["return"].line.alertingName, "Jörg")


def profiles():
    appearance = {"index": 1, "label": "Zoë", "dirn": {"pattern": LINE}}
    profile = call("addDeviceProfile", deviceProfile={
        "name": PROFILE, "product": "Cisco 8851", "class": "Device Profile", "protocol": "SIP", "protocolSide": "User",
        "lines": {"line": [appearance]}})["return"]
    seen = call("getDeviceProfile", uuid=profile)["return"].deviceProfile
    same((seen.name, seen._uuid, [line.label for line in seen.lines.line]), (PROFILE, profile, ["Zoë"]))
    call("updateDeviceProfile", name=PROFILE, description="moved")
    found = call("listDeviceProfile", searchCriteria={"name": "suds%"}, returnedTags={"name": "", "description": ""})
    same([(row.name, row.description) for row in gateway.rows(found, "deviceProfile")], [(PROFILE, "moved")])
    return profile


def phones():
    for name in PHONES:
        call("addPhone", phone={
            "name": name, "product": "Cisco 8851", "class": "Phone", "protocol": "SIP", "protocolSide": "User",
            "devicePoolName": "Default", "enableExtensionMobility": "true"})
    call("updatePhone", name=PHONES[0], description="Empfang, Tür 3")
    phone = call("getPhone", name=PHONES[0])["return"].phone
    same((phone.description, gateway.name_of(phone.devicePoolName)), ("Empfang, Tür 3", "Default"))
    same((phone.loginUserId, gateway.name_of(phone.currentProfileName)), ("", None))
    line = {"index": 1, "label": "Tür", "dirn": {"pattern": LINE}}
    call("updatePhone", name=PHONES[1], lines={"line": [line]})
    same([line.label for line in call("getPhone", name=PHONES[1])["return"].phone.lines.line], ["Tür"])
    call("updatePhone", name=PHONES[1], lines={})
    same(call("getPhone", name=PHONES[1])["return"].phone.lines, '')
    same(list_phones("sep0025eed1%", 2), PHONES)
    same(list_phones("sep0025eed1f%", 2), [])


def users(profile):
    user = {"firstName": "Zoë", "lastName": "Suds", "userid": USER, "pin": "97531", "presenceGroupName": "Standard Presence group",
            "phoneProfiles": {"profileName": [{"_uuid": profile}]}, "defaultProfile": PROFILE}
    call("addUser", user=user)
    refused(-239, "addUser", user=user)
    call("updateUser", userid=USER, displayName="Zoë Ä.")
    seen = call("getUser", userid=USER)["return"].user
    same((seen.displayName, gateway.name_of(seen.defaultProfile)), ("Zoë Ä.", PROFILE))
    found = call("listUser", searchCriteria={"userid": USER}, returnedTags={"firstName": ""})
    same([row.firstName for row in gateway.rows(found, "user")], ["Zoë"])


def sessions():
    phone = PHONES[0]
    same(call("doDeviceLogin", deviceName=phone, loginDuration=3600, profileName=PROFILE, userId=USER)["return"], "true")
    seen = call("getPhone", name=phone)["return"].phone
    same((seen.loginUserId, gateway.name_of(seen.currentProfileName), int(seen.loginDuration)), (USER, PROFILE, 3600))
    refused(-692, "removeDeviceProfile", name=PROFILE)
    same(call("doDeviceLogout", deviceName=phone)["return"], "true")
    refused(5003, "doDeviceLogout", deviceName=phone)


def faults():
    refused(5007, "getPhone", name="SEP0025EED1FFFF")
    refused(5003, "updatePhone", name="SEP0025EED1FFFF", description="nowhere")
    refused(5003, "addPhone", phone={"name": "SEPnot-a-phone", "product": "Cisco 8851", "protocol": "SIP"})


def remove():
    call("removeUser", userid=USER)
    for name in PHONES:
        call("removePhone", name=name)
    call("removeDeviceProfile", name=PROFILE)
    call("removeLine", pattern=LINE)
    refused(5007, "getUser", userid=USER)


address, user = sys.argv[1:3]
service = gateway.connect(address, user, os.environ["AXL_PASSWORD"], os.environ.get("AXL_CA"))
version = call("getCCMVersion")["return"].componentVersion.version
lines()
profile = profiles()
phones()
users(profile)
sessions()
faults()
remove()
print(f"suds: version {version}, {calls} calls went as they should")
