"""The scenario of tests/clients/README.md in hand-written XML, once in each style.

    AXL_PASSWORD=… AXL_CA=.run/state/tls-certificate.pem python3 scenario.py https://localhost:8443 admin
"""

import os
import sys

from gateway import STYLES, Fault, Gateway, name_of

PHONES = ["SEP0025EED50001", "SEP0025EED50002", "SEP0025EED50003"]
LINE = "7851"
PROFILE = "hand profile ä"
USER = "hand.user"


class Scenario:
    def __init__(self, gateway):
        self.gateway = gateway
        self.calls = 0

    def call(self, operation, **body):
        self.calls += 1
        return self.gateway.call(operation, **body)

    def same(self, seen, expected):
        if seen != expected:
            raise AssertionError(f"call {self.calls}: {seen!r} instead of {expected!r}")

    def refused(self, code, operation, **body):
        try:
            self.call(operation, **body)
        except Fault as fault:
            self.same(fault.code, code)
        else:
            raise AssertionError(f"call {self.calls}: {operation} did not fail")

    def list_phones(self, pattern, page):
        """All phones whose name matches, a page at a time."""
        found = []
        while True:
            more = self.call("listPhone", searchCriteria={"name": pattern}, returnedTags={"name": ""}, skip=len(found), first=page)
            if len(more) == 0:
                return found
            found += [phone.findtext("name") for phone in more]

    def lines(self):
        self.call("addLine", line={"pattern": LINE, "description": "Zoë <hand> & Söhne", "usage": "Device"})
        line = self.call("getLine", pattern=LINE).find("line")
        self.same(line.findtext("description"), "Zoë <hand> & Söhne")
        self.same(name_of(line.find("routePartitionName")), None)
        self.call("updateLine", pattern=LINE, alertingName="Jörg")
        found = self.call("listLine", searchCriteria={"pattern": LINE}, returnedTags={"pattern": "", "description": ""})
        self.same([row.findtext("description") for row in found], ["Zoë <hand> & Söhne"])
        self.same(self.call("getLine", pattern=LINE).findtext("line/alertingName"), "Jörg")

    def profiles(self):
        appearance = {"index": 1, "label": "Zoë", "dirn": {"pattern": LINE}}
        profile = self.call("addDeviceProfile", deviceProfile={
            "name": PROFILE, "product": "Cisco 8851", "class": "Device Profile", "protocol": "SIP", "protocolSide": "User",
            "lines": {"line": [appearance]}}).text
        seen = self.call("getDeviceProfile", uuid=profile).find("deviceProfile")
        self.same((seen.findtext("name"), seen.get("uuid")), (PROFILE, profile))
        self.same([line.findtext("label") for line in seen.find("lines")], ["Zoë"])
        self.call("updateDeviceProfile", name=PROFILE, description="moved")
        found = self.call("listDeviceProfile", searchCriteria={"name": "hand%"}, returnedTags={"name": "", "description": ""})
        self.same([(row.findtext("name"), row.findtext("description")) for row in found], [(PROFILE, "moved")])
        return profile

    def phones(self):
        for name in PHONES:
            self.call("addPhone", phone={
                "name": name, "product": "Cisco 8851", "class": "Phone", "protocol": "SIP", "protocolSide": "User",
                "devicePoolName": "Default", "enableExtensionMobility": "true"})
        self.call("updatePhone", name=PHONES[0], description="Empfang, Tür 3")
        phone = self.call("getPhone", name=PHONES[0]).find("phone")
        self.same((phone.findtext("description"), name_of(phone.find("devicePoolName"))), ("Empfang, Tür 3", "Default"))
        self.same((phone.findtext("loginUserId"), name_of(phone.find("currentProfileName"))), ("", None))
        line = {"index": 1, "label": "Tür", "dirn": {"pattern": LINE}}
        self.call("updatePhone", name=PHONES[1], lines={"line": [line]})
        lines = self.call("getPhone", name=PHONES[1]).find("phone/lines")
        self.same([line.findtext("label") for line in lines], ["Tür"])
        self.call("updatePhone", name=PHONES[1], lines="")
        self.same(len(self.call("getPhone", name=PHONES[1]).find("phone/lines")), 0)
        self.same(self.list_phones("sep0025eed5%", 2), PHONES)
        self.same(self.list_phones("sep0025eed5f%", 2), [])

    def users(self, profile):
        user = {"firstName": "Zoë", "lastName": "Hand", "userid": USER, "pin": "97531", "presenceGroupName": "Standard Presence group",
                "phoneProfiles": {"profileName": [{"@uuid": profile}]}, "defaultProfile": PROFILE}
        self.call("addUser", user=user)
        self.refused(-239, "addUser", user=user)
        self.call("updateUser", userid=USER, displayName="Zoë Ä.")
        seen = self.call("getUser", userid=USER).find("user")
        self.same((seen.findtext("displayName"), name_of(seen.find("defaultProfile"))), ("Zoë Ä.", PROFILE))
        found = self.call("listUser", searchCriteria={"userid": USER}, returnedTags={"firstName": ""})
        self.same([row.findtext("firstName") for row in found], ["Zoë"])

    def sessions(self):
        phone = PHONES[0]
        self.same(self.call("doDeviceLogin", deviceName=phone, loginDuration=3600, profileName=PROFILE, userId=USER).text, "true")
        seen = self.call("getPhone", name=phone).find("phone")
        self.same((seen.findtext("loginUserId"), name_of(seen.find("currentProfileName"))), (USER, PROFILE))
        self.same(seen.findtext("loginDuration"), "3600")
        self.refused(-692, "removeDeviceProfile", name=PROFILE)
        self.same(self.call("doDeviceLogout", deviceName=phone).text, "true")
        self.refused(5003, "doDeviceLogout", deviceName=phone)

    def faults(self):
        self.refused(5007, "getPhone", name="SEP0025EED5FFFF")
        self.refused(5003, "updatePhone", name="SEP0025EED5FFFF", description="nowhere")
        self.refused(5003, "addPhone", phone={"name": "SEPnot-a-phone", "product": "Cisco 8851", "protocol": "SIP"})

    def remove(self):
        self.call("removeUser", userid=USER)
        for name in PHONES:
            self.call("removePhone", name=name)
        self.call("removeDeviceProfile", name=PROFILE)
        self.call("removeLine", pattern=LINE)
        self.refused(5007, "getUser", userid=USER)

    def run(self):
        version = self.call("getCCMVersion").findtext("componentVersion/version")
        self.lines()
        profile = self.profiles()
        self.phones()
        self.users(profile)
        self.sessions()
        self.faults()
        self.remove()
        return version


def main():
    address, user = sys.argv[1:3]
    for style in STYLES:
        scenario = Scenario(Gateway(address, user, os.environ["AXL_PASSWORD"], os.environ.get("AXL_CA"), style))
        version = scenario.run()
        print(f"by hand, {style}: version {version}, {scenario.calls} calls went as they should")


if __name__ == "__main__":
    main()
