//! SOAP faults, byte for byte as clients expect them (axl.md 14): `axlError` unqualified, its three children in order.
//!
//! Which number and which message a refusal has is decided above this layer.

use super::envelope::EnvelopeError;
use super::write::open_envelope;

/// The fault code of SOAP 1.1: who has to change something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FaultCode {
    /// The service refuses.
    Server,
    /// The message cannot be accepted as it is.
    Client,
    /// The envelope is not one of SOAP 1.1.
    VersionMismatch,
    /// A mandatory header is unknown.
    MustUnderstand,
}

impl FaultCode {
    fn name(self) -> &'static str {
        match self {
            Self::Server => "soapenv:Server",
            Self::Client => "soapenv:Client",
            Self::VersionMismatch => "soapenv:VersionMismatch",
            Self::MustUnderstand => "soapenv:MustUnderstand",
        }
    }
}

impl From<EnvelopeError> for FaultCode {
    fn from(error: EnvelopeError) -> Self {
        match error {
            EnvelopeError::Version => Self::VersionMismatch,
            EnvelopeError::MustUnderstand => Self::MustUnderstand,
            EnvelopeError::Malformed
            | EnvelopeError::Dtd
            | EnvelopeError::ProcessingInstruction
            | EnvelopeError::Limit(_)
            | EnvelopeError::Body
            | EnvelopeError::Encoding => Self::Client,
        }
    }
}

/// Writes a fault. `request` is the operation asked for, empty when it is in no table.
pub fn fault(code: FaultCode, axl_code: i32, message: &str, request: &str) -> Vec<u8> {
    let mut writer = open_envelope();
    writer.within("soapenv:Fault", |writer| {
        writer.element("faultcode", code.name()).element("faultstring", message);
        writer.within("detail", |writer| {
            writer.within("axlError", |writer| {
                writer.element("axlcode", &axl_code.to_string());
                writer.element("axlmessage", message).element("request", request);
            });
        });
    });
    writer.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_has_axl_error_unqualified_and_in_order() {
        let bytes =
            fault(FaultCode::Server, 5007, "Item not valid: The specified SEP1 was not found", "getPhone");
        let expected = "<?xml version='1.0' encoding='UTF-8'?><soapenv:Envelope xmlns:soapenv=\"http://schemas.xmlsoap.org/soap/envelope/\"><soapenv:Body><soapenv:Fault><faultcode>soapenv:Server</faultcode><faultstring>Item not valid: The specified SEP1 was not found</faultstring><detail><axlError><axlcode>5007</axlcode><axlmessage>Item not valid: The specified SEP1 was not found</axlmessage><request>getPhone</request></axlError></detail></soapenv:Fault></soapenv:Body></soapenv:Envelope>";
        assert_eq!(String::from_utf8(bytes).unwrap(), expected);
    }

    #[test]
    fn envelope_errors_have_the_fault_code_of_soap() {
        assert_eq!(FaultCode::from(EnvelopeError::Version), FaultCode::VersionMismatch);
        assert_eq!(FaultCode::from(EnvelopeError::MustUnderstand), FaultCode::MustUnderstand);
        assert_eq!(FaultCode::from(EnvelopeError::Dtd), FaultCode::Client);
    }
}
