"""A day of a seat-booking program, over TLS and on plain HTTP where its port is given.

    AXL_PASSWORD=… AXL_CA=.run/state/tls-certificate.pem python3 scenario.py https://localhost:8443 admin [http://localhost:8080]
"""

import os
import pathlib
import sys

sys.path.append(str(pathlib.Path(__file__).parent.parent / "handwritten"))
import gateway  # noqa: E402
from seats import Refused, Seats  # noqa: E402

PHONES = ["SEP0025EED70001", "SEP0025EED70002"]
PROFILES = ["seats one", "seats two"]
USER = "zoe.seats@example.net"
APP, PASSWORD = "seats.program", "Seats & <tables> 1"
PROXY_RIGHTS = "Standard EM Authentication Proxy Rights"


class Scenario:
    def __init__(self, axl):
        self.axl = axl
        self.checks = 0

    def same(self, seen, expected):
        self.checks += 1
        if seen != expected:
            raise AssertionError(f"check {self.checks}: {seen!r} instead of {expected!r}")

    def refused(self, code, call, *arguments):
        try:
            call(*arguments)
        except Refused as refused:
            self.same(refused.code, code)
        else:
            raise AssertionError(f"after check {self.checks}: {call.__name__}{arguments} was not refused")

    def provision(self):
        for name in PHONES:
            self.axl.call("addPhone", phone={"name": name, "product": "Cisco 8851", "protocol": "SIP", "enableExtensionMobility": "true"})
        for name in PROFILES:
            self.axl.call("addDeviceProfile", deviceProfile={"name": name, "product": "Cisco 8851", "protocol": "SIP"})
        self.axl.call("addUser", user={"lastName": "Seats", "userid": USER, "phoneProfiles": {"profileName": PROFILES}, "defaultProfile": PROFILES[0]})
        self.axl.call("addAppUser", appUser={"userid": APP, "password": PASSWORD, "associatedGroups": {"userGroup": [{"name": PROXY_RIGHTS}]}})

    def day(self, seats):
        one, two = PHONES
        self.same(seats.who_is_on(one)[0], None)
        self.same(seats.profiles_of(USER), [(PROFILES[0], "t"), (PROFILES[1], "f")])
        self.same(seats.login(one, USER, minutes=480), True)
        self.same(seats.who_is_on(one)[0], USER)
        self.same(seats.where_is(USER), [one])
        self.refused(25, seats.login, two, USER)
        self.refused(18, seats.login, one, USER, PROFILES[1])
        self.same(seats.logout(one), True)
        self.refused(19, seats.logout, one)
        self.same(seats.who_is_on(one), (None, USER))
        self.same(seats.login(two, USER.upper(), PROFILES[1]), True)
        self.same(seats.where_is(USER), [two])
        self.same(seats.logout(two), True)
        self.refused(11, seats.login, "SEP0025EED7FFFF", USER)
        self.refused(23, seats.login, one, "nobody.seats")
        self.refused(12, seats.login, one, USER, "no such profile")

    def remove(self):
        self.axl.call("removeAppUser", userid=APP)
        self.axl.call("removeUser", userid=USER)
        for name in PROFILES:
            self.axl.call("removeDeviceProfile", name=name)
        for name in PHONES:
            self.axl.call("removePhone", name=name)


def main():
    address, user, *plain = sys.argv[1:]
    ca = os.environ.get("AXL_CA")
    scenario = Scenario(gateway.Gateway(address, user, os.environ["AXL_PASSWORD"], ca))
    scenario.provision()
    for where in [address, *plain]:
        scenario.day(Seats(where, APP, PASSWORD, ca))
    scenario.refused(3, Seats(address, APP, "wrong", ca).logout, PHONES[0])
    scenario.remove()
    print(f"seat booking over the Extension Mobility API: {scenario.checks} answers were as they should be")


if __name__ == "__main__":
    main()
