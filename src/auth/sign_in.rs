//! The cookie that an API client may send instead of its password, `JSESSIONIDSSO` (axl.md 16, security.md XML-5b).
//!
//! It says under a MAC which account signed in with which version of its password and which rights, and when. Nothing of it is kept:
//! every node can judge it, and it is dead as soon as the account is gone or locked, or has another password or other rights.
//! Where a request has an `Authorization` header, that alone decides. docs/adr/0005-cookies.md has the reasons.

use actix_web::cookie::{Cookie, SameSite};
use actix_web::http::header::{AUTHORIZATION, COOKIE, HeaderMap};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::hmac;
use uuid::Uuid;
use zeroize::Zeroizing;

use super::basic::{self, Credentials};
use super::proof::{Refused, Verified};
use super::verify::Verifier;
use super::{Principal, Source};
use crate::domain::credential::SecretKind;

/// Name of the cookie.
pub const NAME: &str = "JSESSIONIDSSO";

/// Seconds without a request after which a cookie is dead.
const IDLE: i64 = 30 * 60;
/// Age in seconds at which a request gets a new one: what is taken from the idle time at most.
const RENEWAL: i64 = 60;
/// Seconds after which the password must be shown again.
const LONGEST: i64 = 8 * 60 * 60;

const PURPOSE: &[u8] = b"emgate sign-in 1";
const TAG_LENGTH: usize = 32;

/// The value of a cookie as sent, not checked.
pub struct Token(Zeroizing<String>);

/// How a request shows who it is from; nothing is checked.
pub enum Proof {
    /// By password, beside a cookie that may be stale.
    Password(Credentials, Option<Token>),
    /// By a cookie alone.
    Cookie(Token),
}

/// Reads the proof in the head of a request: none when there is neither, or an `Authorization` that is not to be understood.
pub fn proof(headers: &HeaderMap) -> Option<Proof> {
    let token = token(headers);
    if headers.contains_key(AUTHORIZATION) {
        return basic::credentials(headers).map(|credentials| Proof::Password(credentials, token));
    }
    token.map(Proof::Cookie)
}

/// The cookie; none where several are sent, since nobody can say which is ours.
fn token(headers: &HeaderMap) -> Option<Token> {
    let fields = headers.get_all(COOKIE).filter_map(|v| v.to_str().ok());
    let mut values = fields.flat_map(|f| f.split(';')).filter_map(|pair| {
        let (name, value) = pair.trim().split_once('=')?;
        (name == NAME).then(|| value.trim_matches('"'))
    });
    let (Some(value), None) = (values.next(), values.next()) else { return None };
    Some(Token(Zeroizing::new(value.to_owned())))
}

/// What a cookie says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct SignIn {
    account: Uuid,
    /// Of the password.
    version: i64,
    rights: u8,
    /// When the password was shown, in seconds since 1970.
    since: i64,
    /// When the cookie was made.
    at: i64,
}

impl SignIn {
    fn now(verified: &Verified<Principal>) -> Self {
        let (who, now) = (verified.who(), verified.at().timestamp());
        let (account, rights) = (who.uuid, who.rights());
        Self { account, version: verified.version(), rights, since: now, at: now }
    }

    /// Whether it still holds, compared with one that the account would get now.
    fn holds(&self, now: &Self) -> bool {
        let same = (self.account, self.version, self.rights) == (now.account, now.version, now.rights);
        same && now.at.abs_diff(self.at) < IDLE.unsigned_abs() && now.at - self.since < LONGEST
    }

    fn bytes(&self) -> Vec<u8> {
        let numbers = [self.version, self.since, self.at].map(i64::to_be_bytes);
        [self.account.as_bytes().as_slice(), &[self.rights], numbers.as_flattened()].concat()
    }

    fn parse(bytes: &[u8]) -> Option<Self> {
        let (account, rest) = bytes.split_first_chunk::<16>()?;
        let (rights, rest) = rest.split_first()?;
        let (numbers, []) = rest.as_chunks::<8>() else { return None };
        let &[version, since, at] = numbers else { return None };
        let [version, since, at] = [version, since, at].map(i64::from_be_bytes);
        Some(Self { account: Uuid::from_bytes(*account), version, rights: *rights, since, at })
    }
}

/// Lets accounts in, by password or cookie, and gives them cookies.
pub struct SignIns {
    verifier: Verifier,
    key: hmac::Key,
}

impl SignIns {
    /// The secret is the same on all nodes; a cookie holds only under the same secret and pepper.
    pub fn new(verifier: Verifier, secret: &[u8]) -> Self {
        Self { key: verifier.derived_key(PURPOSE, secret), verifier }
    }

    /// Checks a proof; the answer to the request brings the cookie, where there is one.
    pub async fn admit(
        &self,
        proof: Proof,
        source: &Source,
    ) -> Result<(Principal, Option<Cookie<'static>>), Refused> {
        let (verified, cookie) = match proof {
            Proof::Password(Credentials { user, password }, token) => {
                let verified = self.verifier.verify_password(&user, &password, source).await?;
                let now = SignIn::now(&verified);
                let held = token.and_then(|t| self.open(&t)).filter(|held| held.holds(&now));
                (verified, held.is_none_or(|h| h.at + RENEWAL <= now.at).then_some(now))
            }
            Proof::Cookie(token) => {
                let held = self.open(&token).ok_or(Refused::Wrong)?;
                let verified =
                    self.verifier.verify_again(held.account, SecretKind::Password, held.version).await?;
                let now = SignIn { since: held.since, ..SignIn::now(&verified) };
                if !held.holds(&now) {
                    return Err(Refused::Wrong);
                }
                (verified, (held.at + RENEWAL <= now.at).then_some(now))
            }
        };
        Ok((verified.into_inner(), cookie.map(|sign_in| self.cookie(&sign_in))))
    }

    fn cookie(&self, sign_in: &SignIn) -> Cookie<'static> {
        let said = sign_in.bytes();
        let tag = hmac::sign(&self.key, &said);
        let value = URL_SAFE_NO_PAD.encode([said.as_slice(), tag.as_ref()].concat());
        Cookie::build(NAME, value).path("/").secure(true).http_only(true).same_site(SameSite::Strict).finish()
    }

    /// What a cookie says, if it is one of ours.
    fn open(&self, Token(value): &Token) -> Option<SignIn> {
        let bytes = Zeroizing::new(URL_SAFE_NO_PAD.decode(value.as_bytes()).ok()?);
        let (said, tag) = bytes.split_last_chunk::<TAG_LENGTH>()?;
        hmac::verify(&self.key, said, tag).ok()?;
        SignIn::parse(said)
    }
}

#[cfg(test)]
mod tests {
    use actix_web::http::header::HeaderValue;

    use super::*;

    fn read(fields: &[&str]) -> Option<String> {
        let mut headers = HeaderMap::new();
        for field in fields {
            headers.append(COOKIE, HeaderValue::from_str(field).unwrap());
        }
        token(&headers).map(|t| t.0.to_string())
    }

    #[test]
    fn the_cookie_is_found_among_others_and_several_are_none() {
        assert_eq!(read(&["JSESSIONIDSSO=a"]), Some("a".into()));
        assert_eq!(read(&["x; y=\"z;  JSESSIONIDSSO=a==;JSESSIONID=b"]), Some("a==".into()));
        assert_eq!(read(&["$Version=1; JSESSIONIDSSO=\"a\"; $Path=\"/\""]), Some("a".into()));
        assert_eq!(read(&["x=1", "JSESSIONIDSSO="]), Some(String::new()));
        for fields in [&["jsessionidsso=a"][..], &["XJSESSIONIDSSO=a"], &["JSESSIONIDSSO"], &[], &["é"]] {
            assert_eq!(read(fields), None, "{fields:?}");
        }
        assert_eq!(read(&["JSESSIONIDSSO=a; JSESSIONIDSSO=a"]), None);
        assert_eq!(read(&["JSESSIONIDSSO=a", "JSESSIONIDSSO=b"]), None);
    }

    #[test]
    fn what_a_cookie_says_is_read_as_it_was_written() {
        let sign_in = SignIn { account: Uuid::max(), version: -2, rights: 0x81, since: 3, at: i64::MAX };
        let bytes = sign_in.bytes();
        assert_eq!(SignIn::parse(&bytes), Some(sign_in));
        for cut in 0..bytes.len() {
            assert_eq!(SignIn::parse(&bytes[..cut]), None);
        }
        assert_eq!(SignIn::parse(&[bytes.as_slice(), &[0]].concat()), None);
    }
}
