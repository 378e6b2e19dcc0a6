import emgate.axl.AXLAPIService;
import emgate.axl.AXLPort;
import emgate.axl.XFkType;
import jakarta.xml.ws.BindingProvider;
import jakarta.xml.ws.soap.SOAPFaultException;
import java.net.URI;
import java.util.Map;
import java.util.function.Consumer;

/** How a Java program talks to emgate: a port made of the classes that wsimport writes from the gateway's own WSDL. */
final class Gateway {
    private Gateway() {}

    /** Returns the port; address is https://host:8443. Which certificates are trusted says -Djavax.net.ssl.trustStore. */
    static AXLPort connect(String address, String user, String password) throws Exception {
        AXLPort port = new AXLAPIService(URI.create(address + "/axl/?wsdl").toURL()).getAXLPort();
        Map<String, Object> context = ((BindingProvider) port).getRequestContext();
        context.put(BindingProvider.ENDPOINT_ADDRESS_PROPERTY, address + "/axl/");
        context.put(BindingProvider.USERNAME_PROPERTY, user);
        context.put(BindingProvider.PASSWORD_PROPERTY, password);
        return port;
    }

    /** An object whose fields the second argument sets: with(new GetPhoneReq(), r -> r.setName("SEP…")). */
    static <T> T with(T object, Consumer<T> fields) {
        fields.accept(object);
        return object;
    }

    /** A reference by name. */
    static XFkType named(String name) {
        return with(new XFkType(), reference -> reference.setValue(name));
    }

    /** A reference by uuid. */
    static XFkType identified(String uuid) {
        return with(new XFkType(), reference -> reference.setUuid(uuid));
    }

    /** The name in a reference, or null where it points nowhere: a null reference has no uuid. */
    static String nameOf(XFkType reference) {
        return reference.getUuid() == null ? null : reference.getValue();
    }

    /** The AXL code of a fault: 5007 for an object that is not there, -239 for one that is there already, … */
    static int codeOf(SOAPFaultException fault) {
        var codes = fault.getFault().getDetail().getElementsByTagName("axlcode");
        return Integer.parseInt(codes.item(0).getTextContent());
    }
}
