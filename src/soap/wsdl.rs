//! The schema files: compiled in, served for a version and an address, and the generated `axl.wsdl`.
//!
//! The files say version 15.0 and `localhost`; serving replaces both and leaves our own annotations out. One line per
//! object file in `SCHEMA_FILES`, the rest follows.

use std::fmt::Write;

use super::shape::Schema;

/// Every schema file: its path below `wsdl/` and its text.
pub const SCHEMA_FILES: &[(&str, &str)] = &[
    ("simple.xsd", include_str!("../../wsdl/simple.xsd")),
    ("common.xsd", include_str!("../../wsdl/common.xsd")),
    ("objects/phone.xsd", include_str!("../../wsdl/objects/phone.xsd")),
    ("objects/deviceProfile.xsd", include_str!("../../wsdl/objects/deviceProfile.xsd")),
    ("objects/defaultDeviceProfile.xsd", include_str!("../../wsdl/objects/defaultDeviceProfile.xsd")),
    ("objects/user.xsd", include_str!("../../wsdl/objects/user.xsd")),
    ("objects/appUser.xsd", include_str!("../../wsdl/objects/appUser.xsd")),
    ("objects/line.xsd", include_str!("../../wsdl/objects/line.xsd")),
    ("objects/ipPhoneServices.xsd", include_str!("../../wsdl/objects/ipPhoneServices.xsd")),
    ("objects/routePartition.xsd", include_str!("../../wsdl/objects/routePartition.xsd")),
    ("objects/css.xsd", include_str!("../../wsdl/objects/css.xsd")),
    ("objects/userProfileProvision.xsd", include_str!("../../wsdl/objects/userProfileProvision.xsd")),
    ("objects/serviceParameter.xsd", include_str!("../../wsdl/objects/serviceParameter.xsd")),
    ("objects/processNode.xsd", include_str!("../../wsdl/objects/processNode.xsd")),
    ("objects/registrationDynamic.xsd", include_str!("../../wsdl/objects/registrationDynamic.xsd")),
    ("operations.xsd", include_str!("../../wsdl/operations.xsd")),
];

/// The version that the files are written in, and that is served unless another is asked for.
pub const NEWEST_VERSION: &str = "15.0";

const ADDRESS: &str = "https://localhost:8443/axl/";
const NAMESPACE: &str = "http://www.cisco.com/AXL/API/15.0";
const SERVICE_NAMESPACE: &str = "http://www.cisco.com/AXLAPIService/";

/// The description of the service for a version, such as `15.0`, at an address, such as `https://host:8443/axl/`.
pub fn description(version: &str, address: &str) -> String {
    let text = in_version(include_str!("../../wsdl/axl.wsdl"), version);
    text.replace(ADDRESS, &escape(address))
}

/// The schema file at a path below `wsdl/`, for a version.
pub fn schema_file(path: &str, version: &str) -> Option<String> {
    let (_, text) = SCHEMA_FILES.iter().find(|(name, _)| *name == path)?;
    Some(in_version(text, version))
}

/// All files for a version and an address, the description under the name that clients ask for.
pub fn files(version: &str, address: &str) -> Vec<(String, String)> {
    let schemas = SCHEMA_FILES.iter().map(|(path, text)| ((*path).to_owned(), in_version(text, version)));
    std::iter::once(("AXLAPI.wsdl".to_owned(), description(version, address))).chain(schemas).collect()
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('"', "&quot;").replace('<', "&lt;")
}

fn in_version(text: &str, version: &str) -> String {
    let mut out = without_annotations(text);
    if version != NEWEST_VERSION {
        out = out.replace(NAMESPACE, &super::write::version_namespace(version));
        out = out.replace("CUCM:DB ver=15.0 ", &format!("CUCM:DB ver={version} "));
    }
    out
}

/// Leaves out the attributes of our own namespace: what is served is the form that was proved with clients.
fn without_annotations(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = [" em:", " xmlns:em="].iter().filter_map(|mark| rest.find(mark)).min() {
        let (before, attribute) = rest.split_at(at);
        out.push_str(before);
        let mut quoted = attribute.splitn(3, '"');
        rest = quoted.nth(2).unwrap_or("");
    }
    out.push_str(rest);
    out
}

/// Generates `axl.xsd`, which includes every schema file, for validators that want one entry.
pub fn generate_index() -> String {
    let mut out = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    let _ = writeln!(
        out,
        "<xsd:schema xmlns:xsd=\"http://www.w3.org/2001/XMLSchema\" targetNamespace=\"{NAMESPACE}\">"
    );
    for (path, _) in SCHEMA_FILES {
        let _ = writeln!(out, "  <xsd:include schemaLocation=\"{path}\"/>");
    }
    out.push_str("</xsd:schema>\n");
    out
}

/// Generates `axl.wsdl` from the operations of the schema.
pub fn generate(schema: &Schema) -> String {
    let mut out = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    // Writing into a string cannot fail.
    let _ = write_description(&mut out, schema);
    out
}

fn write_description(out: &mut String, schema: &Schema) -> std::fmt::Result {
    writeln!(
        out,
        "<wsdl:definitions xmlns:wsdl=\"http://schemas.xmlsoap.org/wsdl/\" xmlns:soap=\"http://schemas.xmlsoap.org/wsdl/soap/\" xmlns:xsd=\"http://www.w3.org/2001/XMLSchema\" xmlns:axl=\"{NAMESPACE}\" xmlns:tns=\"{SERVICE_NAMESPACE}\" targetNamespace=\"{SERVICE_NAMESPACE}\">"
    )?;
    writeln!(out, "  <wsdl:types>")?;
    writeln!(out, "    <xsd:schema targetNamespace=\"{NAMESPACE}\" elementFormDefault=\"unqualified\">")?;
    for (path, _) in SCHEMA_FILES {
        writeln!(out, "      <xsd:include schemaLocation=\"{path}\"/>")?;
    }
    writeln!(out, "    </xsd:schema>\n  </wsdl:types>")?;
    for operation in schema.operations() {
        for (suffix, element) in [("In", ""), ("Out", "Response")] {
            writeln!(
                out,
                "  <wsdl:message name=\"{0}{suffix}\"><wsdl:part name=\"axlParams\" element=\"axl:{0}{element}\"/></wsdl:message>",
                operation.name
            )?;
        }
    }
    write_port(out, schema)
}

fn write_port(out: &mut String, schema: &Schema) -> std::fmt::Result {
    writeln!(out, "  <wsdl:portType name=\"AXLPort\">")?;
    for operation in schema.operations() {
        let name = &operation.name;
        writeln!(out, "    <wsdl:operation name=\"{name}\">")?;
        writeln!(out, "      <wsdl:input message=\"tns:{name}In\"/>")?;
        writeln!(out, "      <wsdl:output message=\"tns:{name}Out\"/>\n    </wsdl:operation>")?;
    }
    writeln!(out, "  </wsdl:portType>\n  <wsdl:binding name=\"AXLAPIBinding\" type=\"tns:AXLPort\">")?;
    writeln!(
        out,
        "    <soap:binding style=\"document\" transport=\"http://schemas.xmlsoap.org/soap/http\"/>"
    )?;
    for operation in schema.operations() {
        let name = &operation.name;
        writeln!(out, "    <wsdl:operation name=\"{name}\">")?;
        writeln!(
            out,
            "      <soap:operation soapAction=\"CUCM:DB ver={NEWEST_VERSION} {name}\" style=\"document\"/>"
        )?;
        writeln!(out, "      <wsdl:input><soap:body use=\"literal\"/></wsdl:input>")?;
        writeln!(
            out,
            "      <wsdl:output><soap:body use=\"literal\"/></wsdl:output>\n    </wsdl:operation>"
        )?;
    }
    writeln!(out, "  </wsdl:binding>\n  <wsdl:service name=\"AXLAPIService\">")?;
    writeln!(out, "    <wsdl:port name=\"AXLPort\" binding=\"tns:AXLAPIBinding\">")?;
    writeln!(out, "      <soap:address location=\"{ADDRESS}\"/>")?;
    writeln!(out, "    </wsdl:port>\n  </wsdl:service>\n</wsdl:definitions>")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_generated_files_on_disk_are_up_to_date() {
        for (name, generated) in [("axl.wsdl", generate(Schema::get())), ("axl.xsd", generate_index())] {
            let path = format!("{}/wsdl/{name}", env!("CARGO_MANIFEST_DIR"));
            if std::env::var_os("EMGATE_BLESS").is_some() {
                std::fs::write(&path, &generated).unwrap();
            }
            assert_eq!(std::fs::read_to_string(&path).unwrap(), generated, "EMGATE_BLESS=1 rewrites it");
        }
    }

    #[test]
    fn every_schema_file_is_compiled_in() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/wsdl/objects");
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = format!("objects/{}", entry.unwrap().file_name().into_string().unwrap());
            assert!(SCHEMA_FILES.iter().any(|(name, _)| *name == path), "{path} is not in SCHEMA_FILES");
        }
    }

    #[test]
    fn served_files_have_the_version_and_address_that_were_asked_and_no_annotations() {
        let served = files("12.5", "https://gw.example:8443/axl/?a&b");
        assert_eq!(served.len(), SCHEMA_FILES.len() + 1);
        for (path, text) in &served {
            assert!(!text.contains("15.0"), "{path}");
            assert!(!text.contains("em:") && !text.contains("emgate"), "{path}");
        }
        let (name, text) = &served[0];
        assert_eq!(name, "AXLAPI.wsdl");
        assert!(text.contains("location=\"https://gw.example:8443/axl/?a&amp;b\""));
        assert!(text.contains("soapAction=\"CUCM:DB ver=12.5 addPhone\""));
    }

    #[test]
    fn a_file_without_annotations_is_untouched() {
        assert_eq!(without_annotations("<a b=\"c\"/> text em"), "<a b=\"c\"/> text em");
        assert_eq!(without_annotations("<a em:x=\"1 em:y=2\" b=\"c\" em:z=\"\"/>"), "<a b=\"c\"/>");
    }
}
