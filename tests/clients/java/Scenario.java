import emgate.axl.*;
import jakarta.xml.ws.soap.SOAPFaultException;
import java.math.BigInteger;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.function.Function;

/**
 * The scenario of tests/clients/README.md through JAX-WS. How the classes of emgate.axl are made of the WSDL says docs/clients.md:
 *
 * <pre>AXL_PASSWORD=… java Scenario https://localhost:8443 admin</pre>
 */
final class Scenario {
    static final List<String> PHONES = List.of("SEP0025EED40001", "SEP0025EED40002", "SEP0025EED40003");
    static final String LINE = "7841";
    static final String PROFILE = "java profile ä";
    static final String USER = "java.user";
    private final AXLPort axl;
    private int calls;

    Scenario(AXLPort axl) {
        this.axl = axl;
    }

    private <Q, A> A call(Function<Q, A> operation, Q request) {
        calls++;
        return operation.apply(request);
    }

    private void same(Object seen, Object expected) {
        if (!Objects.equals(seen, expected)) {
            throw new AssertionError("call " + calls + ": " + seen + " instead of " + expected);
        }
    }

    private <Q, A> void refused(int code, Function<Q, A> operation, Q request) {
        try {
            call(operation, request);
        } catch (SOAPFaultException fault) {
            same(Gateway.codeOf(fault), code);
            return;
        }
        throw new AssertionError("call " + calls + " did not fail");
    }

    /** All phones whose name matches, a page at a time. */
    private List<String> listPhones(String pattern, long page) {
        List<String> found = new ArrayList<>();
        while (true) {
            var more = call(axl::listPhone, Gateway.with(new ListPhoneReq(), r -> {
                r.setSearchCriteria(Gateway.with(new ListPhoneReq.SearchCriteria(), c -> c.setName(pattern)));
                r.setReturnedTags(Gateway.with(new LPhone(), t -> t.setName("")));
                r.setSkip(BigInteger.valueOf(found.size()));
                r.setFirst(BigInteger.valueOf(page));
            })).getReturn().getPhone();
            if (more.isEmpty()) {
                return found;
            }
            more.forEach(phone -> found.add(phone.getName()));
        }
    }

    private RPhone getPhone(String name) {
        return call(axl::getPhone, Gateway.with(new GetPhoneReq(), r -> r.setName(name))).getReturn().getPhone();
    }

    private void lines() {
        call(axl::addLine, Gateway.with(new AddLineReq(), r -> r.setLine(Gateway.with(new XLine(), line -> {
            line.setPattern(LINE);
            line.setDescription("Zoë <java> & Söhne");
            line.setUsage("Device");
        }))));
        var get = Gateway.with(new GetLineReq(), r -> r.setPattern(LINE));
        var line = call(axl::getLine, get).getReturn().getLine();
        same(line.getDescription(), "Zoë <java> & Söhne");
        same(Gateway.nameOf(line.getRoutePartitionName()), null);
        call(axl::updateLine, Gateway.with(new UpdateLineReq(), r -> {
            r.setPattern(LINE);
            r.setAlertingName("Jörg");
        }));
        var found = call(axl::listLine, Gateway.with(new ListLineReq(), r -> {
            r.setSearchCriteria(Gateway.with(new ListLineReq.SearchCriteria(), c -> c.setPattern(LINE)));
            r.setReturnedTags(Gateway.with(new LLine(), t -> t.setDescription("")));
        })).getReturn().getLine();
        same(found.stream().map(LLine::getDescription).toList(), List.of("Zoë <java> & Söhne"));
        same(call(axl::getLine, get).getReturn().getLine().getAlertingName(), "Jörg");
    }

    private String profiles() {
        var appearance = Gateway.with(new DeviceProfileXPhoneLine(), line -> {
            line.setIndex("1");
            line.setLabel("Zoë");
            line.setDirn(Gateway.with(new XDirn(), dirn -> dirn.setPattern(LINE)));
        });
        var uuid = call(axl::addDeviceProfile, Gateway.with(new AddDeviceProfileReq(), r -> r.setDeviceProfile(Gateway.with(new XDeviceProfile(), profile -> {
            profile.setName(PROFILE);
            profile.setProduct("Cisco 8851");
            profile.setClazz("Device Profile");
            profile.setProtocol("SIP");
            profile.setProtocolSide("User");
            profile.setLines(Gateway.with(new XDeviceProfileLines(), lines -> lines.getLine().add(appearance)));
        })))).getReturn();
        var seen = call(axl::getDeviceProfile, Gateway.with(new GetDeviceProfileReq(), r -> r.setUuid(uuid))).getReturn().getDeviceProfile();
        same(List.of(seen.getName(), seen.getUuid()), List.of(PROFILE, uuid));
        same(seen.getLines().getLine().stream().map(line -> line.getLabel()).toList(), List.of("Zoë"));
        call(axl::updateDeviceProfile, Gateway.with(new UpdateDeviceProfileReq(), r -> {
            r.setName(PROFILE);
            r.setDescription("moved");
        }));
        var found = call(axl::listDeviceProfile, Gateway.with(new ListDeviceProfileReq(), r -> {
            r.setSearchCriteria(Gateway.with(new ListDeviceProfileReq.SearchCriteria(), c -> c.setName("java%")));
            r.setReturnedTags(Gateway.with(new LDeviceProfile(), t -> t.setDescription("")));
        })).getReturn().getDeviceProfile();
        same(found.stream().map(LDeviceProfile::getDescription).toList(), List.of("moved"));
        return uuid;
    }

    private void phones() {
        for (var name : PHONES) {
            call(axl::addPhone, Gateway.with(new AddPhoneReq(), r -> r.setPhone(Gateway.with(new XPhone(), phone -> {
                phone.setName(name);
                phone.setProduct("Cisco 8851");
                phone.setClazz("Phone");
                phone.setProtocol("SIP");
                phone.setProtocolSide("User");
                phone.setDevicePoolName(Gateway.named("Default"));
                phone.setEnableExtensionMobility("true");
            }))));
        }
        call(axl::updatePhone, Gateway.with(new UpdatePhoneReq(), r -> {
            r.setName(PHONES.get(0));
            r.setDescription("Empfang, Tür 3");
        }));
        var phone = getPhone(PHONES.get(0));
        same(List.of(phone.getDescription(), Gateway.nameOf(phone.getDevicePoolName())), List.of("Empfang, Tür 3", "Default"));
        same(phone.getLoginUserId(), "");
        same(Gateway.nameOf(phone.getCurrentProfileName()), null);
        var line = Gateway.with(new XPhoneLine(), l -> {
            l.setIndex("1");
            l.setLabel("Tür");
            l.setDirn(Gateway.with(new XDirn(), dirn -> dirn.setPattern(LINE)));
        });
        var update = Gateway.with(new UpdatePhoneReq(), r -> {
            r.setName(PHONES.get(1));
            r.setLines(Gateway.with(new XPhoneLines(), lines -> lines.getLine().add(line)));
        });
        call(axl::updatePhone, update);
        same(getPhone(PHONES.get(1)).getLines().getLine().stream().map(RPhoneLine::getLabel).toList(), List.of("Tür"));
        update.setLines(new XPhoneLines());
        call(axl::updatePhone, update);
        same(getPhone(PHONES.get(1)).getLines().getLine(), List.of());
        same(listPhones("sep0025eed4%", 2), PHONES);
        same(listPhones("sep0025eed4f%", 2), List.of());
    }

    private void users(String profile) {
        var add = Gateway.with(new AddUserReq(), r -> r.setUser(Gateway.with(new XUser(), user -> {
            user.setFirstName("Zoë");
            user.setLastName("Java");
            user.setUserid(USER);
            user.setPin("97531");
            user.setPresenceGroupName(Gateway.named("Standard Presence group"));
            user.setPhoneProfiles(Gateway.with(new XUserPhoneProfiles(), p -> p.getProfileName().add(Gateway.identified(profile))));
            user.setDefaultProfile(Gateway.named(PROFILE));
        })));
        call(axl::addUser, add);
        refused(-239, axl::addUser, add);
        call(axl::updateUser, Gateway.with(new UpdateUserReq(), r -> {
            r.setUserid(USER);
            r.setDisplayName("Zoë Ä.");
        }));
        var seen = call(axl::getUser, Gateway.with(new GetUserReq(), r -> r.setUserid(USER))).getReturn().getUser();
        same(List.of(seen.getDisplayName(), Gateway.nameOf(seen.getDefaultProfile())), List.of("Zoë Ä.", PROFILE));
        var found = call(axl::listUser, Gateway.with(new ListUserReq(), r -> {
            r.setSearchCriteria(Gateway.with(new ListUserReq.SearchCriteria(), c -> c.setUserid(USER)));
            r.setReturnedTags(Gateway.with(new LUser(), t -> t.setFirstName("")));
        })).getReturn().getUser();
        same(found.stream().map(LUser::getFirstName).toList(), List.of("Zoë"));
    }

    private void sessions() {
        var logout = Gateway.with(new DoDeviceLogoutReq(), r -> r.setDeviceName(Gateway.named(PHONES.get(0))));
        same(call(axl::doDeviceLogin, Gateway.with(new DoDeviceLoginReq(), r -> {
            r.setDeviceName(Gateway.named(PHONES.get(0)));
            r.setLoginDuration(BigInteger.valueOf(3600));
            r.setProfileName(Gateway.named(PROFILE));
            r.setUserId(USER);
        })).getReturn(), "true");
        var phone = getPhone(PHONES.get(0));
        same(List.of(phone.getLoginUserId(), Gateway.nameOf(phone.getCurrentProfileName()), phone.getLoginDuration()), List.of(USER, PROFILE, "3600"));
        refused(-692, axl::removeDeviceProfile, Gateway.with(new RemoveDeviceProfileReq(), r -> r.setName(PROFILE)));
        same(call(axl::doDeviceLogout, logout).getReturn(), "true");
        refused(5003, axl::doDeviceLogout, logout);
    }

    private void faults() {
        refused(5007, axl::getPhone, Gateway.with(new GetPhoneReq(), r -> r.setName("SEP0025EED4FFFF")));
        refused(5003, axl::updatePhone, Gateway.with(new UpdatePhoneReq(), r -> {
            r.setName("SEP0025EED4FFFF");
            r.setDescription("nowhere");
        }));
        refused(5003, axl::addPhone, Gateway.with(new AddPhoneReq(), r -> r.setPhone(Gateway.with(new XPhone(), phone -> {
            phone.setName("SEPnot-a-phone");
            phone.setProduct("Cisco 8851");
            phone.setProtocol("SIP");
        }))));
    }

    private void remove() {
        call(axl::removeUser, Gateway.with(new RemoveUserReq(), r -> r.setUserid(USER)));
        for (var name : PHONES) {
            call(axl::removePhone, Gateway.with(new RemovePhoneReq(), r -> r.setName(name)));
        }
        call(axl::removeDeviceProfile, Gateway.with(new RemoveDeviceProfileReq(), r -> r.setName(PROFILE)));
        call(axl::removeLine, Gateway.with(new RemoveLineReq(), r -> r.setPattern(LINE)));
        refused(5007, axl::getUser, Gateway.with(new GetUserReq(), r -> r.setUserid(USER)));
    }

    private void run() {
        var version = call(axl::getCCMVersion, new GetCCMVersionReq()).getReturn().getComponentVersion().getVersion();
        lines();
        var profile = profiles();
        phones();
        users(profile);
        sessions();
        faults();
        remove();
        System.out.println("java: version " + version + ", " + calls + " calls went as they should");
    }

    public static void main(String[] arguments) throws Exception {
        new Scenario(Gateway.connect(arguments[0], arguments[1], System.getenv("AXL_PASSWORD"))).run();
    }
}
