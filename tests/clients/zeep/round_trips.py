"""The working day of a provisioning script, against a running gateway: add, get, update, list, log in, log out, remove.

    AXL_PASSWORD=… AXL_CA=.run/state/tls-certificate.pem python round_trips.py https://localhost:8443 admin

Run twice, with zeep's strict mode on and off. It removes what it adds; its names begin with "zeep".
"""

import os
import sys
import uuid

import requests
from zeep.exceptions import Fault

import gateway

PHONE = "SEP0025EEC00001"
PROFILE = "zeep profile"
USER = "zeep.user"


def same(what, seen, expected):
    if seen != expected:
        raise AssertionError(f"{what}: {seen!r} instead of {expected!r}")


def refused(call, phrase, **arguments):
    """The call must end in a fault that holds the phrase."""
    try:
        call(**arguments)
    except Fault as fault:
        if phrase not in fault.message:
            raise AssertionError(f"fault {fault.message!r} without {phrase!r}") from fault
        return
    raise AssertionError(f"no fault where {phrase!r} was due")


class Site:
    """One small site, built, used and taken down through a generated service."""

    def __init__(self, service):
        self.axl = service
        self.undo = []

    def add(self, kind, element, key, body, selector=None):
        """Adds an object and remembers how to remove it; the answer is its uuid, by which get finds it."""
        identity = getattr(self.axl, f"add{kind}")(**{element: body})["return"]
        self.undo.append((kind, selector or {key: body[key]}))
        found = gateway.get(getattr(self.axl, f"get{kind}")(uuid=identity), element)
        same(f"{kind} {key}", found[key], body[key])
        same(f"{kind} uuid", found["uuid"], identity)
        return found

    def take_down(self):
        for kind, selector in reversed(self.undo):
            getattr(self.axl, f"remove{kind}")(**selector)
            refused(getattr(self.axl, f"get{kind}"), "was not found", **selector)
        self.undo.clear()

    def build(self):
        for name, usage in (("zeep desks", "General"), ("zeep intercom", "Intercom")):
            self.add("RoutePartition", "routePartition", "name", {"name": name, "description": "made by zeep", "partitionUsage": usage})
        members = {"member": [{"routePartitionName": "zeep desks", "index": 1}]}
        css = self.add("Css", "css", "name", {"description": "made by zeep", "members": members, "name": "zeep calls"})
        same("member of the css", gateway.name_of(css.members.member[0].routePartitionName), "zeep desks")
        self.lines()
        self.add("IpPhoneServices", "ipPhoneServices", "serviceName", {
            "serviceName": "zeep sign-in", "asciiServiceName": "zeep sign-in", "serviceCategory": "XML Service",
            "serviceType": "Standard IP Phone Service", "enabled": True,
            "serviceUrl": "http://localhost:8080/emapp/EMAppServlet?device=#DEVICENAME#&lang=en"})
        self.profile()
        self.phone()
        self.people()

    def lines(self):
        for pattern, partition, usage in (("7801", "zeep desks", "Device"), ("7802", "zeep intercom", "Device Intercom")):
            line = self.add("Line", "line", "pattern",
                            {"pattern": pattern, "description": "Zoë <zeep> & co.", "usage": usage, "routePartitionName": partition},
                            {"pattern": pattern, "routePartitionName": partition})
            same("text with markup", line.description, "Zoë <zeep> & co.")
            same("usage", line.usage, usage)

    def profile(self):
        appearances = [
            {"index": 1, "label": "Zoë", "dirn": {"pattern": "7801", "routePartitionName": "zeep desks"}, "maxNumCalls": 4, "busyTrigger": 2},
            {"index": 2, "label": "Intercom", "dirn": {"pattern": "7802", "routePartitionName": "zeep intercom"}, "partitionUsage": "Intercom"}]
        profile = self.add("DeviceProfile", "deviceProfile", "name", {
            "name": PROFILE, "description": "made by zeep", "product": "Cisco 8851", "class": "Device Profile", "protocol": "SIP",
            "protocolSide": "User", "phoneTemplateName": "Standard 8851 SIP", "lines": {"line": appearances}})
        same("lines of the profile", [(int(l.index), l.label, l.dirn.pattern) for l in profile.lines.line],
             [(1, "Zoë", "7801"), (2, "Intercom", "7802")])
        same("calls on line 1", int(profile.lines.line[0].maxNumCalls), 4)

    def phone(self):
        service = {"telecasterServiceName": "zeep sign-in", "name": "zeep sign-in", "url": "http://localhost:8080/emapp/EMAppServlet?device=#DEVICENAME#"}
        phone = self.add("Phone", "phone", "name", {
            "name": PHONE, "description": "made by zeep", "product": "Cisco 8851", "class": "Phone", "protocol": "SIP", "protocolSide": "User",
            "callingSearchSpaceName": "zeep calls", "devicePoolName": "Default", "commonPhoneConfigName": "Standard Common Phone Profile",
            "locationName": "Hub_None", "useTrustedRelayPoint": "Default", "enableExtensionMobility": True,
            "lines": {"line": [{"index": 1, "dirn": {"pattern": "7803", "routePartitionName": "zeep desks"}}]},
            "services": {"service": [service]}})
        self.undo.insert(-1, ("Line", {"pattern": "7803", "routePartitionName": "zeep desks"}))
        same("reference", gateway.name_of(phone.callingSearchSpaceName), "zeep calls")
        same("switch", phone.enableExtensionMobility, "true")
        same("nobody logged in", (phone.loginUserId, gateway.name_of(phone.currentProfileName)), (None, None))

    def people(self):
        profile = gateway.get(self.axl.getDeviceProfile(name=PROFILE, returnedTags={"name": ""}), "deviceProfile")["uuid"]
        user = self.add("User", "user", "userid", {
            "firstName": "Zoë", "lastName": "Zeep", "userid": USER, "pin": "97531", "presenceGroupName": "Standard Presence group",
            "phoneProfiles": {"profileName": [{"uuid": profile}]}, "defaultProfile": PROFILE})
        same("profile by uuid", [gateway.name_of(p) for p in user.phoneProfiles.profileName], [PROFILE])
        same("no secret comes back", user.pin or None, None)
        self.add("AppUser", "appUser", "userid", {"userid": "zeep.app", "password": "zeep-App-2026!",
                                                  "ctiControlledDeviceProfiles": {"deviceProfile": [PROFILE]}})
        self.add("DefaultDeviceProfile", "defaultDeviceProfile", "name", {
            "name": "zeep default", "description": "made by zeep", "product": "Cisco 7841", "class": "Device Profile", "protocol": "SIP",
            "protocolSide": "User", "phoneButtonTemplate": "Standard 7841 SIP"})

    def change(self):
        self.axl.updatePhone(name=PHONE, description="moved by zeep")
        same("updated", gateway.get(self.axl.getPhone(name=PHONE), "phone").description, "moved by zeep")
        self.axl.updateUser(userid=USER, displayName="Zoë Z.")
        same("updated", gateway.get(self.axl.getUser(userid=USER), "user").displayName, "Zoë Z.")
        self.axl.updateLine(pattern="7801", routePartitionName="zeep desks", alertingName="Zoë")
        same("updated", gateway.get(self.axl.getLine(pattern="7801", routePartitionName="zeep desks"), "line").alertingName, "Zoë")
        self.axl.updateDeviceProfile(name=PROFILE, description="moved by zeep")
        same("lines stay", len(gateway.get(self.axl.getDeviceProfile(name=PROFILE), "deviceProfile").lines.line), 2)

    def find(self):
        found = gateway.rows(self.axl.listPhone(searchCriteria={"name": "sep0025eec%"}, returnedTags={"name": "", "devicePoolName": ""}), "phone")
        same("listed", [(p.name, gateway.name_of(p.devicePoolName)) for p in found], [(PHONE, "Default")])
        none = self.axl.listPhone(searchCriteria={"name": PHONE}, returnedTags={"name": ""}, first=10, skip=10)
        same("past the end", gateway.rows(none, "phone"), [])
        parameters = gateway.rows(self.axl.listServiceParameter(
            searchCriteria={"processNodeName": "EnterpriseWideData", "service": "Cisco Extension Mobility"},
            returnedTags={"name": "", "value": ""}), "serviceParameter")
        assert "MultipleLoginBehavior" in [p.name for p in parameters], parameters

    def use(self):
        same("login", self.axl.doDeviceLogin(deviceName=PHONE, loginDuration=3600, profileName=PROFILE, userId=USER)["return"], "true")
        phone = gateway.get(self.axl.getPhone(name=PHONE), "phone")
        same("logged in", (phone.loginUserId, gateway.name_of(phone.currentProfileName), int(phone.loginDuration)), (USER, PROFILE, 3600))
        line = gateway.get(self.axl.getLine(pattern="7802", routePartitionName="zeep intercom"), "line")
        same("intercom default device", gateway.name_of(line.defaultActivatedDeviceName), PHONE)
        refused(self.axl.removeDeviceProfile, "", name=PROFILE)
        same("logout", self.axl.doDeviceLogout(deviceName=PHONE)["return"], "true")
        phone = gateway.get(self.axl.getPhone(name=PHONE), "phone")
        same("logged out", (phone.loginUserId, gateway.name_of(phone.currentProfileName)), (None, None))
        refused(self.axl.doDeviceLogin, "was not found", deviceName="SEP0025EECFFFFF", loginDuration=0, profileName=PROFILE, userId=USER)
        refused(self.axl.getPhone, "Item not valid: The specified SEP0025EECFFFFF was not found", name="SEP0025EECFFFFF")


def keeping_answers(folder):
    """A session that writes every SOAP answer to the folder, where the schema check finds it."""
    session = requests.Session()

    def keep(response, **_):
        if response.request.method == "POST" and b"Envelope" in response.content:
            os.makedirs(folder, exist_ok=True)
            with open(os.path.join(folder, f"zeep-{uuid.uuid4()}.xml"), "wb") as file:
                file.write(response.content)

    if folder:
        session.hooks["response"].append(keep)
    return session


def main():
    address, user = sys.argv[1:3]
    password = os.environ["AXL_PASSWORD"]
    for strict in (True, False):
        session = keeping_answers(os.environ.get("AXL_ANSWERS"))
        site = Site(gateway.connect(address, user, password, strict, os.environ.get("AXL_CA", False), session))
        version = site.axl.getCCMVersion()["return"].componentVersion.version
        try:
            site.build()
            site.change()
            site.find()
            site.use()
            session.auth = None  # requests keeps the gateway's cookie, which is enough from here on
        finally:
            site.take_down()
        print(f"zeep, strict={strict}: version {version}, every round trip is whole")


if __name__ == "__main__":
    main()
