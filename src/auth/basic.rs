//! Basic credentials of a request, and the answers to those that are missing, wrong or not enough.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::http::header::{AUTHORIZATION, HeaderMap, WWW_AUTHENTICATE};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

use super::page;
use crate::domain::names::UserId;
use crate::domain::secret::Password;

/// The challenge; some stacks send credentials only after it.
const CHALLENGE: &str = "Basic realm=\"AXL API\", charset=\"UTF-8\"";

/// A name and a password as sent, neither checked.
pub struct Credentials {
    /// Who the client says it is.
    pub user: UserId,
    /// What it says to prove it.
    pub password: Password,
}

/// Reads the credentials; none when the header is absent, repeated, no Basic, no Base64 or no UTF-8.
pub fn credentials(headers: &HeaderMap) -> Option<Credentials> {
    let mut values = headers.get_all(AUTHORIZATION);
    let (Some(value), None) = (values.next(), values.next()) else { return None };
    let (scheme, encoded) = value.to_str().ok()?.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let bytes = Zeroizing::new(STANDARD.decode(encoded.trim()).ok()?);
    let (user, password) = std::str::from_utf8(&bytes).ok()?.split_once(':')?;
    Some(Credentials { user: user.parse().ok()?, password: password.parse().ok()? })
}

/// 401 with the challenge.
pub fn unauthorized() -> HttpResponse {
    let mut answer = page_response(StatusCode::UNAUTHORIZED, page::unauthorized());
    answer
        .headers_mut()
        .insert(WWW_AUTHENTICATE, actix_web::http::header::HeaderValue::from_static(CHALLENGE));
    answer
}

/// 403.
pub fn forbidden() -> HttpResponse {
    page_response(StatusCode::FORBIDDEN, page::forbidden())
}

fn page_response(status: StatusCode, html: String) -> HttpResponse {
    HttpResponse::build(status).content_type("text/html; charset=utf-8").body(html)
}

#[cfg(test)]
mod tests {
    use actix_web::http::header::{HeaderName, HeaderValue};

    use super::*;

    fn read(values: &[&str]) -> Option<(String, String)> {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(HeaderName::from_static("authorization"), HeaderValue::from_str(value).unwrap());
        }
        credentials(&headers).map(|c| (c.user.to_string(), c.password.expose().to_owned()))
    }

    fn basic(text: &str) -> String {
        format!("Basic {}", STANDARD.encode(text))
    }

    #[test]
    fn a_password_may_hold_colons_and_utf_8() {
        assert_eq!(read(&[&basic("jörg:a:b→c")]), Some(("jörg".into(), "a:b→c".into())));
        assert_eq!(read(&[&basic("u:p").replace("Basic", "bAsIc")]), Some(("u".into(), "p".into())));
    }

    #[test]
    fn what_is_no_basic_header_is_no_credential() {
        let latin1 = format!("Basic {}", STANDARD.encode(b"j\xF6rg:x"));
        for value in
            ["Basic", "Basic !", "Bearer dTpw", &basic("nocolon"), &basic(":p"), &basic("u:"), &latin1]
        {
            assert_eq!(read(&[value]), None, "{value}");
        }
        assert_eq!(read(&[&basic("u:p"), &basic("u:q")]), None);
        assert_eq!(read(&[]), None);
    }
}
